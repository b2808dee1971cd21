// Rate of a stage and time left, from its progress over the last 30 s. An average since the start would count
// the finished pieces that the stage adopted at its start.
import type { StageView } from "./observe.ts";

export interface Rate {
  /** Largest share seen: a second attempt counts from zero again, although the committed work is kept. */
  fraction: number;
  /** Counted units per second: steps, pieces, completions. */
  perSecond?: number;
  leftMs?: number;
}

interface Mark {
  atMs: number;
  fraction: number;
}

const WINDOW_MS = 30_000;
/** Shortest time from which a rate is computed. */
const SPAN_MS = 2_000;

export class Pace {
  private readonly marks = new Map<string, Mark[]>();

  /** Rate and time left are absent until the stage has made progress. */
  of(stage: StageView, nowMs: number): Rate {
    const key = `${stage.place}/${stage.stage}/${stage.startedAtMs}`;
    const before = this.marks.get(key) ?? [];
    const last = before.at(-1)?.fraction ?? 0;
    const marks = [
      ...before.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS),
      { atMs: nowMs, fraction: Math.max(last, stage.fraction) },
    ];
    this.marks.set(key, marks);
    const [first, now] = [marks[0] as Mark, marks.at(-1) as Mark];
    const { fraction } = now;
    const spanMs = now.atMs - first.atMs;
    const moved = fraction - first.fraction;
    if (spanMs < SPAN_MS || moved <= 0) return { fraction };
    const perMs = moved / spanMs;
    return { fraction, leftMs: (1 - fraction) / perMs, perSecond: perMs * 1000 * units(stage) };
  }
}

/** Units of the whole stage: those of one running shard times the number of shards. */
const units = ({ counted, shardsTotal }: StageView): number =>
  counted ? (counted.total / counted.activities) * shardsTotal : shardsTotal;
