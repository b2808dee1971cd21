// Rate of a stage and time left, from its progress over the last 30 s. An average since the start would count
// the finished pieces that the stage adopted at its start.
import { MOST } from "./observe.ts";
import type { StageView } from "./observe.ts";

export interface Rate {
  /** Largest share seen: a second attempt counts from zero again, although the committed work is kept. */
  fraction: number;
  shardsDone: number;
  shardsTotal: number;
  /** Counted units per second: steps, pieces, completions. */
  perSecond?: number;
  /** Absent until the stage has made progress, and when only its commit is left. */
  leftMs?: number;
}

interface Mark {
  atMs: number;
  fraction: number;
  counted: StageView["counted"];
}

interface Seen {
  marks: Mark[];
  shardsTotal: number;
}

const WINDOW_MS = 30_000;
/** Shortest time from which a rate is computed. */
const SPAN_MS = 2_000;

export class Pace {
  private readonly seen = new Map<string, Seen>();

  /** Rate and time left are absent until the stage has made progress. */
  of(stage: StageView, nowMs: number): Rate {
    const key = `${stage.place}/${stage.stage}/${stage.startedAtMs}`;
    const before = this.seen.get(key) ?? { marks: [], shardsTotal: 0 };
    const whole = wholeStage(stage, before.shardsTotal);
    const fraction = Math.max(before.marks.at(-1)?.fraction ?? 0, whole.fraction);
    const shown = { ...whole, fraction };
    // Nothing has been reported yet: what comes first may have been adopted, and is no pace.
    if (stage.counted === undefined && stage.shardsDone === 0 && before.marks.length === 0) return shown;
    const now: Mark = { atMs: nowMs, fraction, counted: stage.counted };
    const marks = [...before.marks.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS), now];
    this.seen.set(key, { marks, shardsTotal: whole.shardsTotal });
    return { ...shown, ...paceOf(marks, now, { ...stage, ...whole }) };
  }
}

/**
 * The shards of two evaluations side by side are counted together. When one has ended, the other one's
 * alone are reported: the shards that are missing are done.
 */
function wholeStage(
  { fraction, shardsDone, shardsTotal }: StageView,
  shardsSeen: number,
): Pick<Rate, "fraction" | "shardsDone" | "shardsTotal"> {
  const gone = Math.max(0, shardsSeen - shardsTotal);
  const all = shardsTotal + gone;
  return {
    fraction: Math.min(MOST, (gone + fraction * shardsTotal) / Math.max(1, all)),
    shardsDone: shardsDone + gone,
    shardsTotal: all,
  };
}

function paceOf(marks: readonly Mark[], now: Mark, stage: StageView): Pick<Rate, "perSecond" | "leftMs"> {
  const first = marks[0] as Mark;
  const spanMs = now.atMs - first.atMs;
  const moved = now.fraction - first.fraction;
  if (spanMs < SPAN_MS || moved <= 0) return {};
  const leftMs = now.fraction >= MOST ? undefined : ((1 - now.fraction) * spanMs) / moved;
  return { leftMs, perSecond: perSecondOf(marks, now, stage) ?? ((moved * 1000) / spanMs) * units(stage) };
}

/**
 * One activity counts its own units, and the share of one of them may change: reference batches, then
 * steps.
 */
function perSecondOf(marks: readonly Mark[], now: Mark, { shardsTotal }: StageView): number | undefined {
  if (shardsTotal > 1 || !now.counted) return undefined;
  const { unit, done } = now.counted;
  // Back to where the unit, or another attempt, began.
  const sameCount = ({ counted }: Mark, later: Mark | undefined): boolean =>
    counted?.unit === unit && counted.done <= (later?.counted?.done ?? done);
  const start = marks.findLastIndex((mark, at) => !sameCount(mark, marks[at + 1]));
  const first = marks[start + 1] ?? now;
  const spanMs = now.atMs - first.atMs;
  const moved = done - (first.counted?.done ?? done);
  return spanMs >= SPAN_MS && moved > 0 ? (moved * 1000) / spanMs : undefined;
}

/** Units of the whole stage: those of one running shard times the number of shards. */
const units = ({ counted, shardsTotal }: StageView): number =>
  counted ? (counted.total / counted.activities) * shardsTotal : shardsTotal;
