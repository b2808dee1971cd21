import assert from "node:assert/strict";
import { it } from "node:test";
import type { PreferenceTerm } from "../loss/index.ts";
import { initAdapter, weightShapes } from "../model/index.ts";
import type { ModelConfig, Sequence, WeightTensor } from "../model/index.ts";
import { train } from "./index.ts";
import type { PairRow, TrainOptions, TrainRow } from "./index.ts";
import { defaultMicroBatch, workersFor } from "./micro-batch.ts";
import {
  digestsOf,
  optimizer,
  poolFor,
  shapes,
  shortened,
  tasks,
  trainingOf,
} from "./small-training.test.support.ts";

const short = { ...optimizer, epochs: 1 };

/** A mask of every second token of the answer and one token of the prompt. */
const masked = (row: TrainRow): TrainRow => {
  const { ids, promptLength } = row as Sequence;
  return {
    ids,
    promptLength,
    lossMask: ids.map((_, place) => place === 1 || (place >= promptLength && place % 2 === 0)),
  };
};

const preference = (losses: readonly PreferenceTerm[], more: { ldAlpha?: number } = {}): TrainOptions => ({
  ...trainingOf("dpo", "odd"),
  task: { kind: "dpo", beta: 0.1, losses, ...more },
});
const { reference: _, ...alone } = trainingOf("dpo", "odd");
const sft = trainingOf("sft", "odd");
const reward = trainingOf("reward", "odd");

const cases: Record<string, TrainOptions> = {
  "SFT on answers": sft,
  "SFT on whole rows": { ...sft, task: { kind: "sft", promptMask: false } },
  "SFT on rows with masks of their own": { ...sft, rows: sft.rows.map(masked) },
  "a reward model": reward,
  "a reward model with margins and centring": {
    ...reward,
    task: { kind: "reward", margin: true, centering: 0.1 },
    rows: reward.rows.map((row, place) => ({ ...(row as PairRow), margin: place / 10 })),
  },
  DPO: trainingOf("dpo", "odd"),
  "DPO of an adapter": {
    ...alone,
    adapter: initAdapter(
      shapes.odd,
      { rank: 3, alpha: 6, targets: ["q_proj", "v_proj", "down_proj"] },
      optimizer.seed,
    ),
  },
  "LD-DPO": preference([{ type: "sigmoid", weight: 1 }], { ldAlpha: 0.3 }),
  "RPO, whose second term is a mean over tokens": preference([
    { type: "sigmoid", weight: 1 },
    { type: "sft", weight: 0.5 },
  ]),
  "the `sft` term alone": preference([{ type: "sft", weight: 1 }]),
  ORPO: preference([{ type: "orpo", weight: 2 }]),
};

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  const scale = Math.max(...Array.from(expected, Math.abs));
  const error = Math.max(
    ...Array.from(expected, (value, place) => Math.abs(value - (actual[place] as number))),
  );
  assert.ok(error < 1e-5 * Math.max(1, scale), `${what}: differs by ${error}`);
}

for (const [title, options] of Object.entries(cases)) {
  // With a second moment as small as rounding errors, a step of AdamW is the gradient's sign. This ε makes
  // the step smooth.
  const smooth = { ...short, epsilon: 1e-3 };
  it(`${title}: micro-batches have the values and weights of whole batches within 1e-5`, async (t) => {
    const [{ rows }, pool] = [shortened(options), poolFor(t)];
    const trained = (microBatch: number) =>
      train({ ...options, rows, pool, optimizer: { ...smooth, microBatch } });
    const whole = await trained(smooth.batch);
    for (const microBatch of [1, 2, 3]) {
      const { curve, checkpoint } = await trained(microBatch);
      for (const [step, record] of whole.curve.entries()) {
        assert.deepEqual(Object.keys(curve[step]!).sort(), Object.keys(record).sort());
        for (const [name, value] of Object.entries(record)) {
          // Rounding decides which of two equal rewards is larger.
          if (name === "rewards/accuracies" && Math.abs(record["rewards/margins"]!) < 1e-5) continue;
          assertClose([curve[step]![name]!], [value], `microBatch ${microBatch}, step ${step + 1}, ${name}`);
        }
      }
      for (const [name, { data }] of whole.checkpoint.weights)
        assertClose(checkpoint.weights.get(name)!.data, data, `microBatch ${microBatch}, ${name}`);
    }
  });
}

it("micro-batches have the same bits on 1, 2 and 3 threads", async (t) => {
  const pool = poolFor(t);
  const digestsOn = async (threads: number) => {
    const options = shortened(trainingOf("dpo", "shop", threads));
    return digestsOf(await train({ ...options, pool, optimizer: { ...short, microBatch: 2 } }));
  };
  const first = await digestsOn(1);
  for (const threads of [2, 3]) assert.deepEqual(await digestsOn(threads), first);
});

it("a loss that compares the rows of a batch refuses micro-batches and by default has none", async () => {
  const sorted = { kind: "dpo", beta: 0.1, losses: [{ type: "aot", labelSmoothing: 0, weight: 1 }] } as const;
  for (const options of [trainingOf("kto", "odd"), { ...trainingOf("dpo", "odd"), task: sorted }]) {
    await assert.rejects(train({ ...options, optimizer: { ...short, microBatch: 2 } }), {
      kind: "spec",
      code: "spec_unsupported",
    });
    assert.equal(defaultMicroBatch(shapes.odd, options.task, { batch: 1000, maxLength: 512 }), 1000);
  }
});

/**
 * One product needs more memory than an address space has, but weights and rows take some hundred
 * megabytes.
 */
function beyondMemory(): TrainOptions {
  const length = 2 ** 16;
  const config: ModelConfig = {
    ...shapes.odd,
    hiddenSize: 2,
    intermediateSize: 2,
    heads: 2 ** 21,
    kvHeads: 2 ** 21,
    headSize: 2,
    maxPositions: length,
  };
  const zeros = ([name, shape]: [string, readonly number[]]): [string, WeightTensor] => [
    name,
    { shape: [...shape], data: new Float32Array(shape.reduce((total, dim) => total * dim, 1)) },
  ];
  const row = { ids: Array.from({ length }, () => 1), promptLength: length - 1 };
  return {
    ...sft,
    start: { config, weights: new Map([...weightShapes(config)].map(zeros)) },
    rows: Array.from({ length: 64 }, () => row),
    optimizer: { ...short, batch: 64, microBatch: 64, maxLength: length },
  };
}

it("running out of memory names the step, its rows and the number of rows at once", async () => {
  await assert.rejects(train(beyondMemory()), {
    kind: "resource",
    code: "out_of_memory",
    message: /^step 1 on rows (\d+, ){64}64 at once: no memory/,
    hint: /smaller microBatch/,
  });
});

it("the default is half of the batch, for large models the rows that two workers have memory for", () => {
  const large: ModelConfig = {
    ...shapes.shop,
    vocabSize: 49152,
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headSize: 64,
    maxPositions: 8192,
  };
  assert.equal(defaultMicroBatch(shapes.shop, tasks.sft, { batch: 32, maxLength: 64 }), 16);
  assert.equal(defaultMicroBatch(shapes.shop, tasks.sft, { batch: 5, maxLength: 64 }), 3);
  assert.equal(defaultMicroBatch(large, tasks.sft, { batch: 32, maxLength: 128 }), 3);
  assert.equal(defaultMicroBatch(large, tasks.sft, { batch: 32, maxLength: 512 }), 1);
  assert.equal(defaultMicroBatch(large, tasks.dpo, { batch: 32, maxLength: 512 }), 1);
  assert.equal(defaultMicroBatch(large, tasks.dpo, { batch: 32, maxLength: 8192 }), 1);
});

it("the number of workers is limited by threads, micro-batches and memory", () => {
  const large: ModelConfig = {
    ...shapes.shop,
    vocabSize: 49152,
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    headSize: 64,
    maxPositions: 8192,
  };
  assert.equal(workersFor(shapes.shop, tasks.dpo, { batch: 32, microBatch: 16, maxLength: 64 }, 8), 2);
  assert.equal(workersFor(shapes.shop, tasks.dpo, { batch: 32, microBatch: 4, maxLength: 64 }, 4), 4);
  assert.equal(workersFor(shapes.shop, tasks.dpo, { batch: 32, microBatch: 16, maxLength: 64 }, 1), 1);
  assert.equal(workersFor(large, tasks.sft, { batch: 32, microBatch: 3, maxLength: 128 }, 2), 2);
  assert.equal(workersFor(large, tasks.dpo, { batch: 32, microBatch: 1, maxLength: 512 }, 2), 1);
});
