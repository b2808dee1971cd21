// `ratchet schedule create`.
import type { Command } from "commander";
import { Option } from "commander";
import type { CreateScheduleOptions, ScheduleView } from "../client/schedules/schedules.ts";
import { OVERLAPS } from "../temporal/schedules.ts";
import type { Overlap } from "../temporal/schedules.ts";
import { CALL_MODULES, noteChecks } from "./checked-lines.ts";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { SEED } from "./counts.ts";
import { parseDuration } from "./durations.ts";
import { data, json, lookOf, note, suggest } from "./output.ts";
import { formatSchedule, repeatedIds } from "./schedule-text.ts";
import { loadCampaign } from "./spec-file.ts";

interface CreateFlags {
  id?: string;
  campaignId?: string;
  cron?: string[];
  every?: number;
  timeZone?: string;
  jitter?: number;
  overlap: Overlap;
  catchUp?: number;
  pauseOnFailure: boolean;
  seed?: number;
  callModules?: boolean;
  json?: boolean;
}

export const overlap = (what: string, first: Overlap): Option =>
  new Option("--overlap <policy>", what).choices(OVERLAPS).default(first);

export function addCreate(schedule: Command): void {
  schedule
    .command("create")
    .description("check and upload a campaign file, and start a campaign with it at each of the times")
    .argument("<campaign>", "campaign file, or folder with one")
    .option("--id <id>", "id of the schedule (default: the spec's name)")
    .option(
      "--campaign-id <template>",
      "ids of its campaigns (default: <schedule>-{{date}}); {{date}}, {{time}}",
    )
    .option("--cron <expression>", "minute hour day month weekday; may be repeated", collected)
    .option("--every <time>", "instead of --cron: 6h, 7d, counted from 1970-01-01 UTC", parseDuration)
    .option("--time-zone <name>", "of --cron and of dates in ids (default: UTC)")
    .option("--jitter <time>", "start each one late by a random time up to this", parseDuration)
    .addOption(overlap("at a time when its last campaign still runs", "skip"))
    .option(
      "--catch-up <time>",
      "start what an outage has delayed by at most this (default: 1h)",
      parseDuration,
    )
    .option("--no-pause-on-failure", "go on after a failed campaign")
    .option(...SEED)
    .option(...CALL_MODULES)
    .option("--json", "print the schedule as JSON (docs/cli.md)")
    .action(async (path: string, flags: CreateFlags, command: Command) => {
      const loaded = await loadCampaign(path);
      await using(openClient(command, { createStore: true }), async (client) => {
        const created = await client.schedules.create(loaded, optionsOf(flags));
        if (flags.json) json(created);
        else data(formatSchedule(created, lookOf(process.stdout)), lookOf(process.stdout));
        noteRepeated(created);
        const id = `${created.schedule}${repeatFlags(globalsOf(command))}`;
        suggest([`schedule describe ${id}`, `schedule trigger ${id}`, `schedule delete ${id}`]);
      });
    });
}

const collected = (one: string, all: string[] | undefined): string[] => [...(all ?? []), one];

function noteRepeated(created: ScheduleView): void {
  for (const id of repeatedIds(created)) note(`two of the next firings make ${id}: the second will fail`);
}

const optionsOf = (flags: CreateFlags): CreateScheduleOptions => ({
  ...given({
    schedule: flags.id,
    campaignId: flags.campaignId,
    cron: flags.cron,
    everyMs: flags.every,
    timeZone: flags.timeZone,
    jitterMs: flags.jitter,
    catchUpMs: flags.catchUp,
    seed: flags.seed,
    callModules: flags.callModules,
  }),
  overlap: flags.overlap,
  pauseOnFailure: flags.pauseOnFailure,
  onChecked: noteChecks,
});

/** Without members that are undefined: those have defaults. */
const given = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
