import assert from "node:assert/strict";
import { it } from "node:test";
import type { ModelConfig } from "../model/index.ts";
import { isKept } from "./kept.ts";
import { shapes, tasks } from "./small-training.test.support.ts";

const small: ModelConfig = {
  ...shapes.shop,
  hiddenSize: 128,
  intermediateSize: 352,
  layers: 5,
  heads: 8,
  kvHeads: 4,
  headSize: 16,
};
const large: ModelConfig = {
  ...shapes.shop,
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headSize: 64,
};

it("a training of a million parameters is kept, up to some number of rows at once, lanes and tokens", () => {
  assert.ok(isKept(small, tasks.dpo, { microBatch: 8, lanes: 2, longest: 256 }));
  assert.ok(!isKept(small, tasks.dpo, { microBatch: 16, lanes: 2, longest: 256 }));
  assert.ok(!isKept(small, tasks.dpo, { microBatch: 8, lanes: 4, longest: 256 }));
  assert.ok(!isKept(small, tasks.dpo, { microBatch: 8, lanes: 2, longest: 512 }));
});

it("of a large model no training is kept, of a large vocabulary none that has a reference, however few its rows are", () => {
  assert.ok(!isKept(large, tasks.sft, { microBatch: 1, lanes: 2, longest: 512 }));
  const few = { microBatch: 1, lanes: 1, longest: 16 };
  const wordy: ModelConfig = { ...small, vocabSize: 49152 };
  assert.ok(isKept(wordy, tasks.sft, few));
  assert.ok(!isKept(wordy, tasks.dpo, few));
});
