// What a worker's time went into, as spans on the wall clock: written by the bench's worker, added up by whoever started it.

/** activity: an attempt from its begin to its end; compute: a call of the engine or of one of the author's modules. */
export type Work = "activity" | "compute";

export interface Span {
  work: Work;
  name: string;
  fromMs: number;
  toMs: number;
}

/** Names the file that the spans go to, one JSON object a line. */
export const SPANS_VARIABLE = "RATCHET_BENCH_SPANS";

/** Length of the union, in ms, of what lies between `from` and `to`: work at the same time counts once. */
export function covered(spans: readonly Span[], from: number, to: number): number {
  let sum = 0;
  let end = from;
  for (const { fromMs, toMs } of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const stop = Math.min(toMs, to);
    sum += Math.max(0, stop - Math.max(fromMs, end));
    end = Math.max(end, stop);
  }
  return sum;
}

/** What `spans` cover and `others` do not. */
export const beyond = (spans: readonly Span[], others: readonly Span[], from: number, to: number): number =>
  covered([...spans, ...others], from, to) - covered(others, from, to);
