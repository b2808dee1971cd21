// What a loss gives to the training graph. Metrics carry TRL's names; all are scalars, means over the batch.
import type { Value } from "../graph/value.ts";

export interface Loss {
  loss: Value;
  /** The part of it that is a mean over the tokens of the chosen answers; the rest is one over rows. Absent: no part. */
  ofTokens?: Value;
  metrics: Readonly<Record<string, Value>>;
}
