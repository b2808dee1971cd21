// Formulas that several losses use.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";

/** The share of elements with a > b. */
export function shareAbove(t: Tape, a: Value, b: Value): Value {
  return t.meanAll(t.cast(t.greater(a, b), a.dtype));
}

export function scaled(t: Tape, x: Value, factor: number): Value {
  return factor === 1 ? x : t.mul(x, t.number(factor, x));
}

/** −ln σ(x) = softplus(−x) */
export function negLogSigmoid(t: Tape, x: Value): Value {
  return t.softplus(t.neg(x));
}

/** −(1 − ε) ln σ(x) − ε ln σ(−x): the label is wrong with probability ε. */
export function smoothedNegLogSigmoid(t: Tape, x: Value, smoothing: number): Value {
  if (smoothing === 0) return negLogSigmoid(t, x);
  return t.add(scaled(t, negLogSigmoid(t, x), 1 - smoothing), scaled(t, t.softplus(x), smoothing));
}
