// Lines of a watched campaign: one for each running stage, one for each ledger row. Pure functions;
// display.ts prints them.
import type { WatchedStage, WatchEvent } from "../client/follow/watch.ts";
import type { Retrying } from "../client/follow/retrying.ts";
import type { Waiting } from "../client/follow/waiting.ts";
import { showDuration } from "../report/duration.ts";

const BAR = 20;

/** `it-0003.1 generate  ████████░░░░░░░░░░░░  41 %  12/16 shards  214 completions/s  35 s left` */
export function stageLine(stage: WatchedStage, { bar }: { bar: boolean }): string {
  const { fraction, counted, shardsDone, shardsTotal, perSecond, leftMs, attempt, lastFailure } = stage;
  const filled = Math.floor(fraction * BAR);
  const parts = [
    `${stage.place} ${stage.stage}`.padEnd(bar ? 20 : 0),
    ...(bar ? [`${"█".repeat(filled)}${"░".repeat(BAR - filled)}`] : []),
    `${String(Math.floor(fraction * 100)).padStart(bar ? 3 : 0)} %`,
    ...(shardsTotal > 1
      ? [`${shardsDone}/${shardsTotal} shards`]
      : counted && counted.total > 1
        ? [`${counted.done}/${counted.total} ${counted.unit}`]
        : []),
    ...(perSecond === undefined ? [] : [`${rate(perSecond)} ${counted?.unit ?? "shards"}/s`]),
    ...(leftMs === undefined ? [] : [`${showDuration(leftMs)} left`]),
    ...values(stage.values),
    ...(attempt > 1
      ? [`attempt ${attempt}${lastFailure ? ` (before: ${firstLine(lastFailure)})` : ""}`]
      : []),
  ];
  return parts.join("  ");
}

/** `waiting 4 min: no worker polls ratchet-cpu` */
export function waitingLine({ queue, sinceMs, lastPollMs }: Waiting, nowMs: number): string {
  const last = lastPollMs === undefined ? "" : ` (last poll ${showDuration(nowMs - lastPollMs)} ago)`;
  return `waiting ${showDuration(nowMs - sinceMs)}: no worker polls ${queue}${last}`;
}

/** `it-0003.1 train  attempt 12, next in 20 s: store_unreachable: …` */
export function retryingLine(
  { what, activities, attempt, code, message, nextAtMs }: Retrying,
  nowMs: number,
): string {
  const next = nextAtMs === undefined ? "" : `, next in ${showDuration(Math.max(0, nextAtMs - nowMs))}`;
  const shards = activities > 1 ? ` (${activities} shards)` : "";
  return `${what}${shards}  attempt ${attempt}${next}: ${code ? `${code}: ` : ""}${message.split("\n")[0]}`;
}

export function campaignLine({
  status,
  epoch,
  iterations,
  finished,
}: WatchEvent & { type: "campaign" }): string {
  const at =
    finished < 0
      ? "bootstrap"
      : finished === 0
        ? `bootstrap finished, ${iterations} iterations left`
        : `iteration ${finished} of ${iterations} finished`;
  return `${status}: ${at}${epoch > 1 ? `, epoch ${epoch}` : ""}`;
}

/** Without the learning rate, which follows from the step. */
const values = (found: Record<string, number>): string[] =>
  Object.entries(found)
    .filter(([name]) => name !== "learning_rate")
    .slice(0, 3)
    .map(
      ([name, value]) =>
        `${name} ${Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))}`,
    );

const rate = (perSecond: number): string =>
  perSecond >= 100 ? String(Math.round(perSecond)) : String(Number(perSecond.toPrecision(2)));

const firstLine = (text: string): string => text.split("\n")[0]?.slice(0, 80) ?? "";
