// `ratchet start`: start, resume or attach to a campaign, and leave.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { isCampaignId } from "../campaign/ids.ts";
import { registerCommand } from "../temporal/search-attributes.ts";
import { findTemporal } from "../client/find.ts";
import type { TemporalAddress } from "../temporal/gateway.ts";
import type { Started } from "../client/start/start.ts";
import { findOptions, globalsOf, openClient, repeatFlags, using } from "./context.ts";
import type { Globals } from "./context.ts";
import { SEED } from "./counts.ts";
import { data, json, note, suggest } from "./output.ts";
import { loadCampaign } from "./spec-file.ts";

export interface StartFlags {
  id?: string;
  seed?: number;
  takeOver?: boolean;
  resume?: boolean;
  json?: boolean;
}

/** Options of every verb that starts a campaign. */
export const withStartOptions = (verb: Command): Command =>
  verb
    .argument("<campaign>", "campaign file, or a folder that holds campaign.ts or campaign.yaml")
    .option("--id <id>", "campaign id (default: the name in the spec)")
    .option(...SEED)
    .option("--resume", "go on with a cancelled campaign")
    .option(
      "--take-over",
      "take the campaign from a server that is gone for good, or from a run here that stands still",
    );

export const startVerb = (program: Command): Command =>
  withStartOptions(program.command("start"))
    .description("start or resume a campaign and return")
    .option("--json", "what was done, as JSON")
    .addHelpText(
      "after",
      "\nWhere <campaign> is no file: the id of a campaign in the store, which goes on by the spec that it began with.",
    )
    .action(async (path: string, flags: StartFlags, command: Command) => {
      const spec = isRecorded(path) ? undefined : await loadCampaign(path);
      await using(openClient(command, { createStore: spec !== undefined }), async (client) => {
        const started = spec
          ? await client.start(spec, { ...flags, campaignId: flags.id })
          : await client.startRecorded(path, flags);
        if (flags.json) json(started);
        else data(started.campaignId);
        note(startedLine(started));
        const temporal = findTemporal(findOptions(globalsOf(command)));
        if (temporal) sayMissingAttributes(await client.missingSearchAttributes(), temporal);
        suggest(followUps(started.campaignId, globalsOf(command)));
      });
    });

/** An id, and not a file that is missing. */
const isRecorded = (path: string): boolean =>
  !existsSync(path) && isCampaignId(path) && !/\.(ya?ml|json|[mc]?[jt]s)$/.test(path);

export function startedLine({ campaignId, action, specDigest }: Started): string {
  const done = {
    created: "created and started",
    attached: "is running with this spec already; nothing was changed",
    resumed: "goes on from its ledger",
    reopened: "was cancelled, is opened again and goes on from its ledger",
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
    `search attributes ${missing.join(", ")} are not registered; campaigns run without them. To filter by them in the web UI:`,
  );
  note(`  ${registerCommand(missing, temporal)}`);
}
