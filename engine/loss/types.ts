// The properties that a loss declares, and its values in the training graph.
import type { Value } from "../graph/value.ts";

export interface LossProperties {
  /** Log-probabilities under a reference enter the loss or its metrics. */
  reference: boolean;
  /** The loss compares the rows of a batch, so it cannot be computed in micro-batches. */
  wholeBatch: boolean;
  /** A part of the loss is a mean over tokens, the rest a mean over rows. */
  tokenPart: boolean;
}

export interface Loss {
  loss: Value;
  /** The part of the loss that is a mean over the tokens of the chosen answers. */
  tokenPart?: Value | undefined;
  /** Scalars under TRL's names, each a mean over the batch. */
  metrics: Readonly<Record<string, Value>>;
}
