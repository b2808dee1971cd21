import assert from "node:assert/strict";
import { it } from "node:test";
import { Sessions } from "../graph/sessions.ts";
import { AdamW } from "./adamw.ts";
import type { AdamArrays } from "./adamw.ts";
import { adamScalars, learningRateAt } from "./settings.ts";
import type { OptimizerSettings } from "./settings.ts";

const settings: OptimizerSettings = {
  learningRate: 0.1,
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "cosine",
  warmup: 0.2,
  epochs: 1,
  batch: 1,
  seed: "0000000000000000",
  maxLength: 8,
};

it("schedules are those of transformers: warm-up from 0, then constant, linear or cosine decay", () => {
  const rates = (schedule: OptimizerSettings["schedule"]): number[] =>
    Array.from({ length: 10 }, (_, index) =>
      learningRateAt({ ...settings, learningRate: 1, schedule }, index + 1, 10),
    );
  assert.deepEqual(rates("constant"), [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(rates("linear"), [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]);
  const cosine = rates("cosine");
  assert.equal(cosine[2], 1);
  assert.ok(Math.abs(cosine[6]! - 0.5) < 1e-15);
  assert.ok(cosine[9]! > 0 && cosine[9]! < 0.04);
});

it("without warm-up the first step has the full learning rate", () => {
  assert.equal(learningRateAt({ ...settings, warmup: 0 }, 1, 10), 0.1);
});

interface Reference {
  w: number[];
  m: number[];
  v: number[];
}

/** AdamW as its paper writes it, in double precision. */
function adamwByHand(
  { w, m, v }: Reference,
  g: readonly number[],
  step: number,
  decaying: number,
): Reference {
  const [beta1, beta2] = settings.betas;
  const first = m.map((value, index) => beta1 * value + (1 - beta1) * g[index]!);
  const second = v.map((value, index) => beta2 * value + (1 - beta2) * g[index]! ** 2);
  const next = w.map((value, index) => {
    const direction =
      first[index]! /
      (1 - beta1 ** step) /
      (Math.sqrt(second[index]! / (1 - beta2 ** step)) + settings.epsilon);
    return (
      value - settings.learningRate * (direction + (index < decaying ? settings.weightDecay : 0) * value)
    );
  });
  return { w: next, m: first, v: second };
}

it("three clipped AdamW steps agree with the paper's formulas; matrices decay, vectors do not", async () => {
  const sessions = new Sessions();
  const adamw = await AdamW.create(settings, sessions, { threads: 1 });
  // The first four weights are a matrix's, the others a vector's.
  const arrays: AdamArrays = {
    weights: Float32Array.of(1, -2, 3, 0.5, 1, 1, 1, 1),
    gradients: new Float32Array(8),
    first: new Float32Array(8),
    second: new Float32Array(8),
    decaying: 4,
  };
  let states: Reference = { w: [...arrays.weights], m: [...arrays.first], v: [...arrays.second] };
  for (let step = 1; step <= 3; step++) {
    const gradients = [0.1 * step, -2, 3, 0, 1, 0.5, -step, 1e-4];
    arrays.gradients.set(gradients);
    const total = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    const norm = await adamw.norm(arrays);
    assert.ok(Math.abs(norm - total) < 1e-5);
    adamw.step(arrays, norm, adamScalars(settings, step, settings.learningRate));
    states = adamwByHand(
      states,
      gradients.map((g) => g * Math.min(1, settings.clip / (total + 1e-6))),
      step,
      4,
    );
    for (const [expected, actual] of [
      [states.w, arrays.weights],
      [states.m, arrays.first],
      [states.v, arrays.second],
    ] as const) {
      // Single precision: a dozen roundings of 6e-8 on numbers of at most 3.
      expected.forEach((value, index) =>
        assert.ok(Math.abs(value - actual[index]!) < 2e-6, `step ${step}, weight ${index}`),
      );
    }
  }
  await sessions.close();
});

it("an update in chunks changes every weight once", async () => {
  const sessions = new Sessions();
  const adamw = await AdamW.create({ ...settings, clip: 0 }, sessions, { threads: 2 });
  const size = 600_000;
  const arrays: AdamArrays = {
    weights: new Float32Array(size).fill(1),
    gradients: new Float32Array(size).fill(-1),
    first: new Float32Array(size),
    second: new Float32Array(size),
    decaying: 300_000,
  };
  const norm = await adamw.norm(arrays);
  assert.ok(Math.abs(norm - Math.sqrt(size)) < 1e-3);
  adamw.step(arrays, norm, { rate: 0.5, floor: 0, keep: 0.5 });
  const [decayed, notDecayed] = [arrays.weights[0]!, arrays.weights[size - 1]!];
  assert.ok(Math.abs(notDecayed - decayed - 0.5) < 1e-6);
  for (const [index, weight] of arrays.weights.entries())
    if (weight !== (index < 300_000 ? decayed : notDecayed)) assert.fail(`weight ${index} is ${weight}`);
  await sessions.close();
});
