// What a loss gives to the training graph. Metrics carry TRL's names; all are scalars, means over the batch.
import type { Value } from "../graph/value.ts";

export interface Loss {
  loss: Value;
  metrics: Readonly<Record<string, Value>>;
}
