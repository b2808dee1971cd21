// `ratchet schedule`: campaigns that Temporal's schedules start.
import type { Command } from "commander";
import type { Overlap, ScheduleSummary } from "../temporal/schedules.ts";
import { globalsOf, openClient, repeatFlags, using } from "./context.ts";
import { parseSince } from "./durations.ts";
import { data, json, lookOf, suggest } from "./output.ts";
import { addCreate, overlap } from "./schedule-create.ts";
import { formatSchedule, formatSchedules } from "./schedule-text.ts";

interface WhoFlags {
  why?: string;
  by?: string;
}

const SCHEDULE = ["<schedule>", "id of the schedule"] as const;

export function scheduleVerb(program: Command): Command {
  const schedule = program
    .command("schedule")
    .description("start campaigns at set times, by Temporal's schedules");
  addCreate(schedule);
  addList(schedule);
  addDescribe(schedule);
  addPauses(schedule);
  addTrigger(schedule);
  addBackfill(schedule);
  addDelete(schedule);
  return schedule;
}

function addList(schedule: Command): void {
  schedule
    .command("list")
    .description("list the schedules of the Temporal namespace")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async ({ json: asJson }: { json?: boolean }, command: Command) => {
      await using(openClient(command), async (client) => {
        const found: ScheduleSummary[] = [];
        for await (const summary of client.schedules.list()) found.push(summary);
        found.sort((a, b) => (a.schedule < b.schedule ? -1 : 1));
        if (asJson) json(found);
        else data(formatSchedules(found, lookOf(process.stdout)), lookOf(process.stdout));
      });
    });
}

function addDescribe(schedule: Command): void {
  schedule
    .command("describe")
    .description("print times, policies, counts, and the last ten firings with their campaigns")
    .argument(...SCHEDULE)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (id: string, { json: asJson }: { json?: boolean }, command: Command) => {
      await using(openClient(command), async (client) => {
        const view = await client.schedules.describe(id);
        if (asJson) json(view);
        else data(formatSchedule(view, lookOf(process.stdout)), lookOf(process.stdout));
      });
    });
}

function addPauses(schedule: Command): void {
  for (const verb of ["pause", "resume"] as const)
    schedule
      .command(verb)
      .description(
        verb === "pause" ? "start no campaign until `schedule resume`" : "resume a paused schedule",
      )
      .argument(...SCHEDULE)
      .option("--why <text>", "reason, shown by `schedule describe`")
      .option("--by <name>", "your name (default: user@host)")
      .action(async (id: string, who: WhoFlags, command: Command) => {
        await using(openClient(command), (client) => client.schedules[verb](id, who));
        data(`${id} ${verb}d`);
      });
}

function addTrigger(schedule: Command): void {
  schedule
    .command("trigger")
    .description("start a campaign now, unless the overlap policy says otherwise")
    .argument(...SCHEDULE)
    .action(async (id: string, _flags: object, command: Command) => {
      await using(openClient(command), (client) => client.schedules.trigger(id));
      data(`${id} triggered`);
      suggest([`schedule describe ${id}${repeatFlags(globalsOf(command))}`]);
    });
}

function addBackfill(schedule: Command): void {
  schedule
    .command("backfill")
    .description("start the campaigns of times that have passed")
    .argument(...SCHEDULE)
    .requiredOption("--from <when>", "first time: 2026-11-30, 2026-11-30T12:00Z, 7d (ago)", (text) =>
      parseSince(text),
    )
    .requiredOption("--to <when>", "last time", (text) => parseSince(text))
    .addOption(overlap("of these campaigns; buffer-all starts one after the other", "buffer-all"))
    .action(async (id: string, range: { from: Date; to: Date; overlap: Overlap }, command: Command) => {
      await using(openClient(command), (client) => client.schedules.backfill(id, range));
      data(`${id} backfills ${range.from.toISOString()} to ${range.to.toISOString()}`);
      suggest([`schedule describe ${id}${repeatFlags(globalsOf(command))}`]);
    });
}

function addDelete(schedule: Command): void {
  schedule
    .command("delete")
    .description("delete a schedule; its campaigns stay, also the one that runs")
    .argument(...SCHEDULE)
    .action(async (id: string, _flags: object, command: Command) => {
      await using(openClient(command), (client) => client.schedules.delete(id));
      data(`${id} deleted`);
    });
}
