// Schedules as text.
import type { ScheduleView } from "../client/schedules/schedules.ts";
import { visibleLine } from "../errors/index.ts";
import { formatColumns } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";
import { showDuration } from "../report/duration.ts";
import type { ScheduleSummary } from "../temporal/schedules.ts";

/** Next firings that are shown. */
const NEXT = 3;

const columns = (...titles: string[]) => titles.map((title) => ({ title, align: "left" as const }));

/** `2026-12-01 01:00:00`, UTC. */
const utc = (at: Date): string => at.toISOString().replace("T", " ").slice(0, 19);

const timesOf = ({ cron = [], everyMs }: ScheduleSummary): string =>
  everyMs === undefined ? `cron ${cron.join(", ")}` : `every ${showDuration(everyMs)}`;

export function formatSchedules(schedules: readonly ScheduleSummary[], look: Look): string {
  const rows = schedules.map((schedule) => [
    { text: schedule.schedule },
    { text: timesOf(schedule) },
    { text: schedule.timeZone },
    { text: schedule.paused ? "paused" : "active" },
    { text: schedule.next[0] ? utc(schedule.next[0]) : "–" },
    { text: schedule.id },
  ]);
  return formatColumns(columns("schedule", "times", "zone", "state", "next, UTC", "campaigns"), rows, look);
}

export function formatSchedule(view: ScheduleView, look: Look): string {
  const firings = view.firings.map(({ at, campaignId, status, failure }) => [
    { text: utc(at) },
    { text: campaignId },
    { text: failure ? `failed: ${failure.code}: ${failure.message}` : (status ?? "no longer known") },
  ]);
  return [
    ...factLines(view),
    ...(firings.length === 0
      ? []
      : ["", formatColumns(columns("time, UTC", "campaign", "firing"), firings, look)]),
  ].join("\n");
}

function factLines(view: ScheduleView): string[] {
  const { schedule, timeZone, jitterMs, paused, note, overlap, catchUpMs, pauseOnFailure } = view;
  const next = view.next.slice(0, NEXT).map((at, i) => `${utc(at)} UTC ${view.nextIds[i]}`);
  const jitter = jitterMs === undefined ? "" : `, late by up to ${showDuration(jitterMs)}`;
  const failure = pauseOnFailure ? "a failed campaign pauses it" : "it goes on after a failed campaign";
  return [
    `${schedule} is ${paused ? "paused" : "active"}${note === undefined ? "" : ` (${note})`}`,
    `times      ${timesOf(view)} in ${timeZone}${jitter}`,
    `campaigns  ${view.id}: ${view.name} (spec ${view.specDigest.slice(0, 12)}) in ${view.storeName}`,
    `policies   overlap ${overlap}, catch-up ${showDuration(catchUpMs)}, ${failure}`,
    `counts     ${view.fired} started, ${view.skipped} skipped, ${view.missed} missed`,
    `next       ${next.join(", ") || "–"}`,
  ].map(visibleLine);
}

/** Ids that two of the next firings make. */
export const repeatedIds = ({ nextIds }: Pick<ScheduleView, "nextIds">): string[] => [
  ...new Set(nextIds.filter((id, index) => nextIds.indexOf(id) !== index)),
];
