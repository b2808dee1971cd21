// Integer version of each stage's output, part of its address: raised when the same inputs give other outputs.
// test/golden/addresses.test.ts fails when an address moves without a version.
import type { StageName } from "../campaign/types.ts";

export const STAGE_VERSION: Record<StageName, number> = {
  sft: 4,
  reward: 4,
  generate: 4,
  score: 4,
  pair: 1,
  train: 4,
  evaluate: 5,
  promote: 2,
};
