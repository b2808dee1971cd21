// `ratchet start`: starts, resumes or attaches to a campaign, and returns; with `--wait` after its end.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { isCampaignId } from "../campaign/ids.ts";
import { registerCommand } from "../temporal/search-attributes.ts";
import { findTemporal } from "../client/find.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import type { Started } from "../client/start/start.ts";
import type { RatchetClient } from "../client/ratchet-client.ts";
import { RatchetError } from "../errors/index.ts";
import { findOptions, globalsOf, openClient, repeatFlags, using } from "./context.ts";
import type { Globals } from "./context.ts";
import { CALL_MODULES, noteChecks } from "./checked-lines.ts";
import { SEED } from "./counts.ts";
import { data, json, note, suggest } from "./output.ts";
import { loadCampaign } from "./spec-file.ts";
import { ended, parseLimit, waitForEnd } from "./wait.ts";
import type { Limit } from "./wait.ts";

export interface StartFlags {
  id?: string;
  seed?: number;
  takeOver?: boolean;
  callModules?: boolean;
  resume?: boolean;
  json?: boolean;
}

interface WaitFlags {
  wait?: boolean;
  timeout?: Limit;
}

/** Argument and options of `start` and `run`. */
export const withStartOptions = (verb: Command, campaign: string): Command =>
  verb
    .argument("<campaign>", campaign)
    .option("--id <id>", "id of the campaign (default: the spec's name)")
    .option(...SEED)
    .option(...CALL_MODULES)
    .option("--resume", "resume a cancelled campaign")
    .option("--take-over", "take ownership from a dead server, or replace a stuck run");

export const startVerb = (program: Command): Command =>
  withStartOptions(
    program.command("start"),
    "campaign file, folder with one, or id of a campaign in the store",
  )
    .description("start or resume a campaign and return")
    .option("--wait", "return after the campaign's end, with an exit code that says how it ended")
    .option("--timeout <time>", "with --wait: return after 90s, 15min, 6h, … (exit 14)", parseLimit)
    .option("--json", "print id, action and outcome as JSON (docs/cli.md)")
    .addHelpText("after", "\nA campaign that is named by its id resumes with the spec that it began with.")
    .action(async (path: string, flags: StartFlags & WaitFlags, command: Command) => {
      if (flags.timeout && !flags.wait)
        throw new RatchetError("usage_invalid", "--timeout limits a wait, and --wait is not given");
      const spec = isRecorded(path) ? undefined : await loadCampaign(path);
      await using(openClient(command, { createStore: spec !== undefined }), async (client) => {
        const started = spec
          ? await client.start(spec, { ...flags, campaignId: flags.id, onChecked: noteChecks })
          : await client.startRecorded(path, flags);
        if (!flags.json) data(started.campaignId);
        note(startedLine(started));
        const globals = globalsOf(command);
        const temporal = findTemporal(findOptions(globals));
        if (temporal) sayMissingAttributes(await client.missingSearchAttributes(), temporal);
        if (!flags.wait) suggest(followUps(started.campaignId, globals));
        const outcome = flags.wait ? await awaited(client, started, flags, globals) : started.outcome;
        if (flags.json) json({ ...started, outcome });
        else if (outcome && flags.wait) data(`${started.campaignId} ${outcome.status}`);
      });
    });

/** Undefined if the limit or a signal came before the end. */
async function awaited(
  client: RatchetClient,
  { campaignId, outcome }: Started,
  { timeout: limit }: WaitFlags,
  globals: Globals,
): Promise<Started["outcome"]> {
  return outcome ? ended(outcome) : waitForEnd(client, campaignId, { globals, limit });
}

/** True for an id; false for a file, also if it is missing. */
const isRecorded = (path: string): boolean =>
  !existsSync(path) && isCampaignId(path) && !/\.(ya?ml|json|[mc]?[jt]s)$/.test(path);

export function startedLine({ campaignId, action, specDigest }: Started): string {
  const done = {
    created: "created and started",
    attached: "is already running with this spec; nothing was changed",
    resumed: "resumes from its ledger",
    reopened: "was cancelled and resumes from its ledger",
    completed: "has completed with this spec",
  };
  return `${campaignId} ${done[action]} (spec ${specDigest.slice(0, 12)})`;
}

const followUps = (id: string, globals: Globals): string[] => {
  const flags = repeatFlags(globals);
  return [
    `watch ${id}${flags}`,
    `status ${id}${flags}`,
    `pause ${id} --why "…"${flags}`,
    `history ${id}${flags}`,
  ];
};

export function sayMissingAttributes(missing: string[], temporal: TemporalAddress): void {
  if (missing.length === 0) return;
  note(
    `search attributes ${missing.join(", ")} are not registered. ` +
      "Campaigns run without them; to filter by them in the web UI:",
  );
  note(`  ${registerCommand(missing, temporal)}`);
}
