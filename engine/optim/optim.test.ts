import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import type { Tensor } from "../graph/value.ts";
import { Tape } from "../ops/tape.ts";
import { adamw, declareAdamInputs } from "./adamw.ts";
import { adamScalars, learningRateAt } from "./settings.ts";
import type { OptimizerSettings } from "./settings.ts";

const settings: OptimizerSettings = { learningRate: 0.1, betas: [0.9, 0.95], epsilon: 1e-8, weightDecay: 0.01, clip: 1, schedule: "cosine", warmup: 0.2, epochs: 1, batch: 1, seed: "0000000000000000", maxLength: 8 };

test("schedules are those of transformers: warm-up from 0, then constant, linear or cosine decay", () => {
  const rates = (schedule: OptimizerSettings["schedule"]): number[] => Array.from({ length: 10 }, (_, index) => learningRateAt({ ...settings, learningRate: 1, schedule }, index + 1, 10));
  assert.deepEqual(rates("constant"), [0, 0.5, 1, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(rates("linear"), [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]);
  const cosine = rates("cosine");
  assert.equal(cosine[2], 1);
  assert.ok(Math.abs(cosine[6]! - 0.5) < 1e-15);
  assert.ok(cosine[9]! > 0 && cosine[9]! < 0.04);
});

test("without warm-up the first step has the full learning rate", () => {
  assert.equal(learningRateAt({ ...settings, warmup: 0 }, 1, 10), 0.1);
});

interface Reference {
  w: number[];
  m: number[];
  v: number[];
}

/** AdamW as its paper writes it, in double precision. */
function adamwByHand({ w, m, v }: Reference, g: readonly number[], step: number, decay: number): Reference {
  const [beta1, beta2] = settings.betas;
  const first = m.map((value, index) => beta1 * value + (1 - beta1) * g[index]!);
  const second = v.map((value, index) => beta2 * value + (1 - beta2) * g[index]! ** 2);
  const next = w.map((value, index) => {
    const direction = first[index]! / (1 - beta1 ** step) / (Math.sqrt(second[index]! / (1 - beta2 ** step)) + settings.epsilon);
    return value - settings.learningRate * (direction + decay * value);
  });
  return { w: next, m: first, v: second };
}

test("three clipped steps of AdamW agree with the paper's formulas, matrices decaying and vectors not", async () => {
  const t = new Tape(new Graph());
  const shapes: Record<string, readonly number[]> = { matrix: [2, 2], vector: [4] };
  const slots = Object.entries(shapes).map(([name, shape]) => {
    const input = (part: string) => t.graph.input(`${part}.${name}`, "float32", shape);
    return { weight: input("w"), gradient: input("g"), first: input("m"), second: input("v") };
  });
  const { updated, norm } = adamw(t, slots, declareAdamInputs(t), settings);
  t.graph.output("norm", norm);
  Object.keys(shapes).forEach((name, index) => {
    t.graph.output(`w.${name}'`, updated[index]!.weight);
    t.graph.output(`m.${name}'`, updated[index]!.first);
    t.graph.output(`v.${name}'`, updated[index]!.second);
  });
  const session = await Session.create(t.graph, { threads: 1 });
  const states: Record<string, Reference> = { matrix: { w: [1, -2, 3, 0.5], m: [0, 0, 0, 0], v: [0, 0, 0, 0] }, vector: { w: [1, 1, 1, 1], m: [0, 0, 0, 0], v: [0, 0, 0, 0] } };
  for (let step = 1; step <= 3; step++) {
    const gradients: Record<string, number[]> = { matrix: [0.1 * step, -2, 3, 0], vector: [1, 0.5, -step, 1e-4] };
    const total = Math.sqrt(Object.values(gradients).flat().reduce((sum, g) => sum + g * g, 0));
    const feeds: Record<string, Tensor> = {};
    const feed = (name: string, shape: readonly number[], values: readonly number[]): void => void (feeds[name] = { dtype: "float32", shape, data: Float32Array.from(values) });
    for (const [name, value] of Object.entries(adamScalars(settings, step, settings.learningRate))) feed(name, [], [value]);
    for (const [name, shape] of Object.entries(shapes)) {
      feed(`g.${name}`, shape, gradients[name]!);
      for (const part of ["w", "m", "v"] as const) feed(`${part}.${name}`, shape, states[name]![part]);
      states[name] = adamwByHand(states[name]!, gradients[name]!.map((g) => g * Math.min(1, settings.clip / (total + 1e-6))), step, name === "matrix" ? settings.weightDecay : 0);
    }
    const outputs = await session.run(feeds);
    assert.ok(Math.abs(Number(outputs["norm"]!.data[0]) - total) < 1e-5);
    for (const name of Object.keys(shapes)) {
      for (const part of ["w", "m", "v"] as const) {
        // Single precision: a dozen roundings of 6e-8 on numbers of at most 3.
        states[name]![part].forEach((value, index) => assert.ok(Math.abs(value - Number(outputs[`${part}.${name}'`]!.data[index])) < 2e-6, `${part}.${name}[${index}]`));
      }
    }
  }
  await session.close();
});
