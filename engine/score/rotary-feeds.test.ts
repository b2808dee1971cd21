import assert from "node:assert/strict";
import { it } from "node:test";
import { Decoder } from "../decode/decoder.ts";
import type { ModelConfig } from "../model/index.ts";
import { tinyCheckpoint } from "../tiny-model.test.support.ts";
import { RotaryFeeds } from "./rotary-feeds.ts";
import { SequenceScorer } from "./scorer.ts";
import { loadWeights } from "./weights.ts";

const options = { threads: 1, spinning: false };
const row = (length: number): { ids: number[]; promptLength: number } => ({
  ids: Array.from({ length }, (_, position) => 4 + ((position * 5) % 8)),
  promptLength: 2,
});
const model = (maxPositions: number): { config: ModelConfig; weights: ReturnType<typeof loadWeights> } => {
  const checkpoint = tinyCheckpoint({ maxPositions });
  return { config: checkpoint.config, weights: loadWeights(checkpoint) };
};

async function logps(maxPositions: number, lengths: readonly number[]): Promise<Float32Array[]> {
  const { config, weights } = model(maxPositions);
  const scorer = await SequenceScorer.create(config, options);
  const results: Float32Array[] = [];
  for (const length of lengths) results.push(...(await scorer.tokenLogps(weights, [row(length)])));
  await scorer.close();
  return results;
}

async function decoded(maxPositions: number, maxTokens: number): Promise<unknown> {
  const { config, weights } = model(maxPositions);
  const decoder = await Decoder.create(config, weights, options);
  const rows = [{ promptIds: row(9).ids, temperature: 1, seed: "0000000000000003" }];
  const results = await decoder.generate(rows, { maxTokens, topK: 0, topP: 1, minP: 0 });
  await decoder.close();
  return results;
}

it("tables grow with the rows, and neither their length nor their growth changes a bit", async () => {
  const whole = await logps(600, [600, 10, 300]);
  assert.deepEqual(await logps(600, [10, 300, 600]), [whole[1], whole[2], whole[0]]);
  assert.deepEqual(await decoded(600, 500), await decoded(2 ** 24, 500));
});

it("a context of 16 million positions needs tables for the rows only", async () => {
  const tables = new RotaryFeeds(model(2 ** 24).config);
  assert.deepEqual(tables.upTo(10)["cos"]!.dims, [256, 2]);
  assert.deepEqual(tables.upTo(257)["sin"]!.dims, [512, 2]);
  assert.equal(tables.upTo(300), tables.upTo(512));
  assert.deepEqual(new RotaryFeeds(model(300).config).upTo(290)["cos"]!.dims, [300, 2]);
  assert.deepEqual(await logps(2 ** 24, [40]), await logps(64, [40]));
});
