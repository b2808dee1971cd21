// What the losses over pairs share.
import type { Value } from "../graph/value.ts";
import type { Tape } from "../ops/tape.ts";

/** The share of places where a > b, strictly. */
export function shareAbove(t: Tape, a: Value, b: Value): Value {
  return t.meanAll(t.cast(t.greater(a, b), a.dtype));
}
