// `ratchet extend` and `ratchet amend`: other settings for the iterations that have not begun. The ledger
// records who, why and every difference before they take effect.
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { AMENDABLE_SETTINGS, showChange } from "../campaign/spec/amend.ts";
import { placeName } from "../campaign/ids.ts";
import type { AmendedCampaign } from "../client/start/amend.ts";
import type { IterationsAsked } from "../client/start/extended.ts";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { recorded } from "./control.ts";
import type { RecordedFlags } from "./control.ts";
import { SEED } from "./counts.ts";
import { data, json, note, suggest } from "./output.ts";
import { loadCampaign } from "./spec-file.ts";

export const extendVerb = (program: Command): Command =>
  recorded(
    program
      .command("extend")
      .description("give a campaign more iterations, also one that has completed; it starts again then"),
  )
    .argument("<campaign>", "campaign id, or its beginning")
    .requiredOption("--iterations <n>", "6: all iterations together; +2: two more", parseIterations)
    .addHelpText(
      "after",
      "\nThe iterations beyond the campaign's prompts use those of the first iterations again, with fresh " +
        "seeds.\nFor more prompts, raise `iterations` in the campaign file and use `ratchet amend`.",
    )
    .action(async (campaign: string, flags: RecordedFlags & { iterations: IterationsAsked }, command) => {
      await using(openClient(command), async (client) => {
        const { iterations, ...rest } = flags;
        report(await client.extend(campaign, iterations, rest), flags, command);
      });
    });

export const amendVerb = (program: Command): Command =>
  recorded(
    program
      .command("amend")
      .description("change settings from the next iteration on, to those of a campaign file"),
  )
    .argument("<campaign>", "campaign id, or its beginning")
    .argument("<file>", "campaign file, or folder with one")
    .option(...SEED)
    .addHelpText("after", `\nWhat may change: ${AMENDABLE_SETTINGS}.`)
    .action(async (campaign: string, path: string, flags: RecordedFlags & { seed?: number }, command) => {
      const spec = await loadCampaign(path);
      await using(openClient(command), async (client) => {
        report(await client.amend(campaign, spec, flags), flags, command);
      });
    });

function parseIterations(text: string): IterationsAsked {
  const [, plus, digits] = /^(\+?)(\d+)$/.exec(text) ?? [];
  if (digits === undefined)
    throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is no number of iterations`, {
      hint: "6 is all iterations together, +2 is two more",
    });
  return plus ? { more: Number(digits) } : { total: Number(digits) };
}

function report(amended: AmendedCampaign, flags: RecordedFlags, command: Command): void {
  const { campaignId, changes, holdsFrom, iterations, ownPrompts, status, restarted } = amended;
  if (flags.json) json(amended);
  else
    data(
      [
        `${campaignId} ${status}, amended from ${placeName(holdsFrom)} on:`,
        ...changes.map((change) => `  ${showChange(change)}`),
      ].join("\n"),
    );
  if (iterations > ownPrompts && changes.some(({ path }) => path === "iterations"))
    note(`from iteration ${ownPrompts + 1} on, the prompts of the first iterations are used again`);
  if (restarted) note(`${campaignId} had completed and is started again`);
  suggest([`${restarted ? "watch" : "status"} ${campaignId}${repeatFlags(globalsOf(command))}`]);
}
