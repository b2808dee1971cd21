// Spans of a worker's time on the wall clock. The bench's worker writes them, durable-run.ts adds them up.

/** activity: an attempt from begin to end; compute: a call of the engine or of a module of the author. */
export type Work = "activity" | "compute";

export interface Span {
  work: Work;
  name: string;
  fromMs: number;
  toMs: number;
}

/** Environment variable with the path of the file of spans, one JSON object per line. */
export const SPANS_VARIABLE = "RATCHET_BENCH_SPANS";

/** Length in ms of the union of the spans within [from, to]: overlapping work counts once. */
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

/** Length in ms that `spans` cover and `others` do not. */
export const beyond = (spans: readonly Span[], others: readonly Span[], from: number, to: number): number =>
  covered([...spans, ...others], from, to) - covered(others, from, to);
