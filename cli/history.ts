// `ratchet history`: the iterations of a campaign and their cost.
import { Option } from "commander";
import type { Command } from "commander";
import type { CampaignHistory, PlaceHistory } from "../client/record/history.ts";
import { visibleLine } from "../errors/index.ts";
import { interval } from "../report/digits.ts";
import { eventLine } from "../report/event-line.ts";
import { formatHistory } from "../report/history.ts";
import { historyCsv } from "../report/history-csv.ts";
import { withdrawalLines } from "../report/withdrawals.ts";
import type { HubSource } from "../campaign/types.ts";
import { sourceLine } from "./checked-lines.ts";
import { openStoreClient, using } from "./context.ts";
import { csv, data, json, lookOf, note } from "./output.ts";

interface HistoryFlags {
  ledger?: boolean;
  json?: boolean;
  csv?: boolean;
}

export const historyVerb = (program: Command): Command =>
  program
    .command("history")
    .description("print one table of a campaign's iterations: decisions, win rates, time and cost")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--ledger", "list the rows of the ledger instead")
    .option("--json", "print JSON (docs/cli.md)")
    .addOption(new Option("--csv", "print all figures as CSV").conflicts(["json", "ledger"]))
    .action(async (campaign: string, flags: HistoryFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const history = await client.history(campaign);
        if (flags.json) return json(history);
        if (flags.csv) return csv(historyCsv(history));
        if (flags.ledger) return data(ledgerText(history));
        const look = lookOf(process.stdout);
        data(formatHistory(history, look), look);
        for (const line of sourcesOf(history).map(sourceLine)) note(visibleLine(line));
        for (const line of history.places.flatMap(earlierLines)) note(line);
        for (const line of history.places.flatMap(retriedLines)) note(line);
        for (const line of history.withdrawals.flatMap(withdrawalLines)) note(line);
      });
    });

/** What the campaign read from the hub when it was created. */
function sourcesOf({ ledger }: CampaignHistory): HubSource[] {
  const first = ledger[0]?.event;
  return first?.type === "created" ? (first.sources ?? []) : [];
}

const ledgerText = ({ ledger }: CampaignHistory): string =>
  ledger
    .map(
      ({ n, epoch, at, event }) =>
        `${String(n).padStart(4)}  epoch ${epoch}  ${at.replace("T", " ").slice(0, 19)}  ` +
        visibleLine(eventLine(event)),
    )
    .join("\n");

/** Comparisons with policies that were promoted earlier. */
const earlierLines = ({ place, promotion }: PlaceHistory): string[] =>
  (promotion?.also ?? []).map(
    ({ iteration, winRate, lengthControlled }) =>
      `${place} against iteration ${iteration}, promoted earlier: ` +
      `win rate ${interval(winRate)}, at equal length ${interval(lengthControlled)}`,
  );

/** Stages that needed more than one attempt. */
function retriedLines({ place, work }: PlaceHistory): string[] {
  return Object.entries(work)
    .filter(([, { attempts, recomputed }]) => attempts > 1 || recomputed > 0)
    .map(([stage, { attempts, computed, recomputed, resumedFrom }]) => {
      const from = resumedFrom === undefined || resumedFrom === 0 ? "" : `, resumed from step ${resumedFrom}`;
      return (
        `${place} ${stage}: ${attempts} attempts, ${computed} computed${from}, ` +
        `${recomputed} computed again`
      );
    });
}
