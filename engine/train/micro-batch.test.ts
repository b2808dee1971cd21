import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelConfig } from "../model/index.ts";
import { train } from "./index.ts";
import { defaultMicroBatch } from "./micro-batch.ts";
import { digestsOf, optimizer, shapes, tasks, trainingOf } from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";

const short = { ...optimizer, epochs: 1 };

for (const kind of ["sft", "reward", "dpo"] satisfies Kind[]) {
  test(`${kind}: steps in micro-batches of any size have the losses, norms and metrics of whole batches within 1e-5`, async () => {
    const whole = await train({ ...trainingOf(kind, "odd"), optimizer: short });
    for (const microBatch of [1, 2, 3]) {
      const { curve } = await train({ ...trainingOf(kind, "odd"), optimizer: { ...short, microBatch } });
      for (const [step, record] of whole.curve.entries()) {
        assert.deepEqual(Object.keys(curve[step]!).sort(), Object.keys(record).sort());
        for (const [name, value] of Object.entries(record)) {
          // Which of two equal rewards is larger is decided by rounding.
          if (name === "rewards/accuracies" && Math.abs(record["rewards/margins"]!) < 1e-5) continue;
          assert.ok(Math.abs(curve[step]![name]! - value) < 1e-5 * Math.max(1, Math.abs(value)), `microBatch ${microBatch}, step ${step + 1}: ${name} ${curve[step]![name]} instead of ${value}`);
        }
      }
    }
  });
}

test("micro-batches have the same bits on 1, 2 and 3 threads", async () => {
  const digestsOn = async (threads: number) => digestsOf(await train({ ...trainingOf("dpo", "shop", threads), optimizer: { ...short, microBatch: 2 } }));
  const first = await digestsOn(1);
  for (const threads of [2, 3]) assert.deepEqual(await digestsOn(threads), first);
});

test("a loss that is no mean over rows refuses to be cut, and is computed whole where nothing is said", async () => {
  const cut = { ...trainingOf("kto", "odd"), optimizer: { ...short, microBatch: 2 } };
  await assert.rejects(train(cut), { kind: "spec", code: "spec_unsupported" });
  const orpo = { kind: "dpo", beta: 0.1, losses: [{ type: "orpo", weight: 1 }] } as const;
  await assert.rejects(train({ ...trainingOf("dpo", "odd"), task: orpo, optimizer: { ...short, microBatch: 2 } }), { kind: "spec", code: "spec_unsupported" });
  assert.equal(defaultMicroBatch(shapes.odd, orpo, { batch: 1000, maxLength: 512 }), 1000);
});

test("without a setting small models take the batch at once, and large ones as many rows as memory has room for", () => {
  const large: ModelConfig = { ...shapes.shop, vocabSize: 49152, hiddenSize: 576, intermediateSize: 1536, layers: 30, heads: 9, kvHeads: 3, headSize: 64, maxPositions: 8192 };
  assert.equal(defaultMicroBatch(shapes.shop, tasks.sft, { batch: 32, maxLength: 64 }), 32);
  assert.equal(defaultMicroBatch(large, tasks.sft, { batch: 32, maxLength: 128 }), 7);
  assert.equal(defaultMicroBatch(large, tasks.sft, { batch: 32, maxLength: 512 }), 1);
  assert.equal(defaultMicroBatch(large, tasks.dpo, { batch: 32, maxLength: 512 }), 1);
  assert.equal(defaultMicroBatch(large, tasks.dpo, { batch: 32, maxLength: 8192 }), 1);
});
