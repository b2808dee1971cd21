// `ratchet start`: starts, resumes or attaches to a campaign, and returns.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { isCampaignId } from "../campaign/ids.ts";
import { registerCommand } from "../temporal/search-attributes.ts";
import { findTemporal } from "../client/find.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import type { Started } from "../client/start/start.ts";
import { findOptions, globalsOf, openClient, repeatFlags, using } from "./context.ts";
import type { Globals } from "./context.ts";
import { CALL_MODULES, noteChecks } from "./checked-lines.ts";
import { SEED } from "./counts.ts";
import { data, json, note, suggest } from "./output.ts";
import { loadCampaign } from "./spec-file.ts";

export interface StartFlags {
  id?: string;
  seed?: number;
  takeOver?: boolean;
  callModules?: boolean;
  resume?: boolean;
  json?: boolean;
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
    .option("--json", "print id, action and outcome as JSON (docs/cli.md)")
    .addHelpText("after", "\nA campaign that is named by its id resumes with the spec that it began with.")
    .action(async (path: string, flags: StartFlags, command: Command) => {
      const spec = isRecorded(path) ? undefined : await loadCampaign(path);
      await using(openClient(command, { createStore: spec !== undefined }), async (client) => {
        const started = spec
          ? await client.start(spec, { ...flags, campaignId: flags.id, onChecked: noteChecks })
          : await client.startRecorded(path, flags);
        if (flags.json) json(started);
        else data(started.campaignId);
        note(startedLine(started));
        const temporal = findTemporal(findOptions(globalsOf(command)));
        if (temporal) sayMissingAttributes(await client.missingSearchAttributes(), temporal);
        suggest(followUps(started.campaignId, globalsOf(command)));
      });
    });

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
