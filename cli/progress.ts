// Lines of a watched campaign: one for each running stage, one for each ledger row. Pure functions;
// display.ts prints them.
import type { WatchedStage, WatchEvent } from "../client/follow/watch.ts";
import type { Retrying } from "../client/follow/retrying.ts";
import type { Waiting } from "../client/follow/waiting.ts";
import type { EvaluateMetrics, LedgerEvent } from "../campaign/types.ts";
import { placeName } from "../campaign/ids.ts";
import { fixed, interval, judgeName } from "../report/digits.ts";
import { showDuration } from "./durations.ts";

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

/** One ledger row. `test`: metrics of that place's evaluation on the test split. */
export function eventLine(event: LedgerEvent, test?: EvaluateMetrics): string {
  switch (event.type) {
    case "created":
      return `created with spec ${event.specDigest.slice(0, 12)}`;
    case "opened":
      return `opened on ${event.server}, namespace ${event.namespace}`;
    case "bootstrap-finished":
      return `bootstrap finished${measured(test)}`;
    case "iteration-finished":
      return `${placeName(event)} finished, ${event.decision}${measured(test)}`;
    case "baseline-finished":
      return `baseline ${event.name} finished${measured(test)}`;
    case "paused":
    case "resumed":
    case "cancelled":
    case "reopened":
    case "moved":
    case "repaired":
    case "erased":
      return `${event.type} by ${event.by}${event.why ? `: ${event.why}` : ""}`;
    case "labels-withdrawn": {
      const count = event.labels.reduce((sum, { names }) => sum + names.length, 0);
      return `${count} labels of ${event.labeler} withdrawn by ${event.by}: ${event.why}`;
    }
    case "failed":
      return `failed: ${event.code}: ${event.message}`;
    case "completed":
      return `completed: promoted ${event.promoted.slice(0, 12)}`;
  }
}

function measured(test: EvaluateMetrics | undefined): string {
  if (!test) return "";
  const { winRate, lengthControlled, judgedBy } = test;
  const controlled = lengthControlled ? `, length-controlled ${interval(lengthControlled)}` : "";
  const win = winRate ? `win rate ${interval(winRate)} by ${judgeName(judgedBy)}${controlled}, ` : "";
  return `: ${win}proxy ${fixed(test.proxy, 2)}, ${fixed(test.length, 1)} tokens, KL ${fixed(test.kl, 2)}`;
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
