// Integer version of each stage's output, part of its address: raised when the same inputs give other outputs.
// test/golden/addresses.test.ts fails when an address moves without a version.
import type { StageName } from "../campaign/types.ts";

export const STAGE_VERSION: Record<StageName, number> = {
  sft: 3,
  reward: 3,
  generate: 3,
  score: 3,
  pair: 1,
  train: 3,
  evaluate: 4,
  promote: 2,
};
