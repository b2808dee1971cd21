// Version of each stage's output, part of its address. Raise it when the same inputs give other outputs:
// test/golden/addresses.test.ts fails if an address changes and its version does not.
import type { StageName } from "../campaign/types.ts";

export const STAGE_VERSION: Record<StageName, number> = {
  sft: 5,
  reward: 5,
  generate: 4,
  score: 5,
  label: 1,
  audit: 1,
  refit: 1,
  pair: 2,
  train: 5,
  answer: 1,
  reference: 1,
  judge: 1,
  evaluate: 7,
  promote: 4,
};
