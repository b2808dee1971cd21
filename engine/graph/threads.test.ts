import assert from "node:assert/strict";
import { it } from "node:test";
import { initCheckpoint } from "../model/index.ts";
import { Decoder } from "../decode/decoder.ts";
import { loadWeights } from "../score/weights.ts";
import { TINY } from "../tiny-model.test.support.ts";
import { neutralThreads } from "./threads.ts";

it("each thread has more than 64 columns of every product with more than one block", () => {
  const demo = {
    ...TINY,
    vocabSize: 75,
    hiddenSize: 128,
    intermediateSize: 336,
    heads: 4,
    kvHeads: 4,
    headSize: 32,
  };
  assert.equal(neutralThreads(demo, 8), 1);
  assert.equal(neutralThreads({ ...demo, intermediateSize: 128 }, 8), 8);
  assert.equal(
    neutralThreads(
      {
        ...demo,
        hiddenSize: 2048,
        intermediateSize: 5632,
        heads: 32,
        kvHeads: 8,
        headSize: 64,
        vocabSize: 32000,
      },
      16,
    ),
    16,
  );
  assert.equal(neutralThreads(TINY, 4), 4);
});

it("decoding has the same bits on every allowed number of threads", async () => {
  const { config, weights } = initCheckpoint(
    {
      ...TINY,
      layers: 1,
      hiddenSize: 256,
      intermediateSize: 320,
      heads: 8,
      kvHeads: 4,
      headSize: 32,
      vocabSize: 300,
    },
    "0000000000000001",
  );
  const rows = Array.from({ length: 40 }, (_, i) => ({
    promptIds: [1, 4 + (i % 7), 9],
    temperature: 1,
    seed: i.toString(16).padStart(16, "0"),
    eosIds: new Set([2]),
  }));
  const runs = [];
  for (const threads of [1, 2, 3]) {
    assert.equal(neutralThreads(config, threads), threads);
    const decoder = await Decoder.create(config, loadWeights({ config, weights }), {
      threads,
      spinning: false,
    });
    runs.push(await decoder.generate(rows, { maxTokens: 12, topK: 0, topP: 1, minP: 0 }));
    await decoder.close();
  }
  assert.deepEqual(runs[1], runs[0]);
  assert.deepEqual(runs[2], runs[0]);
});
