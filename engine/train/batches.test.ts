import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planBatches } from "./batches.ts";

const settings = fc.record({ batch: fc.integer({ min: 1, max: 9 }), epochs: fc.integer({ min: 1, max: 3 }), seed: fc.constantFrom("0000000000000001", "00000000000000fe") });
const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 400 });

test("every epoch takes every row once", () => {
  fc.assert(
    fc.property(lengths, settings, (rows, plan) => {
      const batches = planBatches(rows, plan);
      const perEpoch = Math.ceil(rows.length / plan.batch);
      assert.equal(batches.length, perEpoch * plan.epochs);
      for (let epoch = 0; epoch < plan.epochs; epoch++) {
        const taken = batches.slice(epoch * perEpoch, (epoch + 1) * perEpoch).flat();
        assert.deepEqual(taken.sort((a, b) => a - b), rows.map((_, row) => row));
      }
    }),
  );
});

test("the plan follows from lengths, settings and seed, and epochs differ", () => {
  const rows = Array.from({ length: 300 }, (_, row) => 10 + (row % 30));
  const plan = { batch: 8, epochs: 2, seed: "0000000000000001" };
  assert.deepEqual(planBatches(rows, plan), planBatches(rows, plan));
  assert.notDeepEqual(planBatches(rows, plan), planBatches(rows, { ...plan, seed: "0000000000000002" }));
  const batches = planBatches(rows, plan);
  assert.notDeepEqual(batches.slice(0, 38), batches.slice(38));
});

test("batches of rows of many lengths are padded by less than a tenth", () => {
  const rows = Array.from({ length: 4000 }, (_, row) => 15 + ((row * 7919) % 43));
  const batches = planBatches(rows, { batch: 16, epochs: 1, seed: "0000000000000001" });
  const padded = batches.reduce((total, batch) => total + batch.length * Math.max(...batch.map((row) => rows[row]!)), 0);
  assert.ok(padded / rows.reduce((a, b) => a + b) < 1.1);
});
