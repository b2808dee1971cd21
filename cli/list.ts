// `ratchet list`: campaigns of the store, by filters and pages.
import type { Command } from "commander";
import type { CampaignStatus } from "../campaign/types.ts";
import type { ListOptions } from "../client/follow/list.ts";
import type { CampaignSummary } from "../client/follow/status.ts";
import type { RatchetClient } from "../client/ratchet-client.ts";
import { RatchetError } from "../errors/index.ts";
import { formatColumns } from "../report/columns.ts";
import { globalsOf, openStoreClient, repeatFlags, using } from "./context.ts";
import { parseCount } from "./counts.ts";
import { parseSince } from "./durations.ts";
import { data, jsonArray, lookOf, note, suggest } from "./output.ts";

/** The exit code of damaged records. */
const DAMAGED = 3;

/** Rows of a page of text. */
const PAGE = 100;

interface ListFlags {
  state?: CampaignStatus[];
  name?: string;
  spec?: string;
  since?: Date;
  after?: string;
  limit?: number;
  json?: boolean;
}

const STATES: Record<CampaignStatus, true> = {
  created: true,
  running: true,
  paused: true,
  completed: true,
  failed: true,
  cancelled: true,
  moved: true,
};

export const listVerb = (program: Command): Command =>
  program
    .command("list")
    .description("list the campaigns of the store, by id")
    .option(
      "--state <states>",
      `only these, separated by commas: ${Object.keys(STATES).join(", ")}`,
      parseStates,
    )
    .option("--name <text>", "only campaigns whose id, or whose spec's name, contains this")
    .option("--spec <digest>", "only campaigns whose spec's digest begins with this")
    .option("--since <when>", "only campaigns with a newer row: 12h, 2d or a date", (text) =>
      parseSince(text),
    )
    .option("--after <id>", "only ids after this one: the next page")
    .option("--limit <count>", `at most this many (default: ${PAGE}; with --json all)`, parseCount)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async ({ json, state: states, ...flags }: ListFlags, command: Command) => {
      const onDamaged: ListOptions["onDamaged"] = (campaignId, { code, message }) => {
        note(`${campaignId} cannot be read: ${code}: ${message}`);
        process.exitCode = DAMAGED;
      };
      const options = { ...flags, states, onDamaged };
      await using(openStoreClient(command), (client) =>
        json ? jsonArray(client.campaigns(options)) : page(client, options, repeated(command)),
      );
    });

/** `again`: the filters of this command, for the next page. */
async function page(client: RatchetClient, options: ListOptions, again: string): Promise<void> {
  const { limit = PAGE } = options;
  const found = await client.list({ ...options, limit: limit + 1 });
  const shown = found.slice(0, limit);
  data(formatList(shown), lookOf(process.stdout));
  const last = shown.at(-1);
  if (found.length > limit && last) suggest([`list${again} --after ${last.campaignId}`]);
}

function formatList(campaigns: readonly CampaignSummary[]): string {
  const columns = ["campaign", "status", "iterations", "promoted", "updated"].map((title) => ({
    title,
    align: "left" as const,
  }));
  const rows = campaigns.map(({ campaignId, status, finished, iterations, promoted, updatedAt }) => [
    { text: campaignId },
    { text: status },
    { text: `${Math.max(0, finished)}/${iterations}` },
    { text: promoted ? String(promoted.iteration) : "–" },
    { text: updatedAt.replace("T", " ").slice(0, 16) },
  ]);
  return formatColumns(columns, rows, lookOf(process.stdout));
}

/** The flags that were given, but for the page. */
function repeated(command: Command): string {
  const { state, name, spec, since, limit } = command.opts<ListFlags>();
  const flags = { state: state?.join(","), name, spec, since: since?.toISOString(), limit };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  const own = given.map(([flag, value]) => ` --${flag} ${quoted(String(value))}`).join("");
  return own + repeatFlags(globalsOf(command));
}

const quoted = (value: string): string => (/^[\w.:,-]+$/.test(value) ? value : JSON.stringify(value));

function parseStates(text: string): CampaignStatus[] {
  const states = text.split(",").map((state) => state.trim());
  const unknown = states.find((state) => !(state in STATES));
  if (unknown === undefined) return states as CampaignStatus[];
  throw new RatchetError("usage_invalid", `${JSON.stringify(unknown)} is no state of a campaign`, {
    hint: `one of ${Object.keys(STATES).join(", ")}`,
  });
}
