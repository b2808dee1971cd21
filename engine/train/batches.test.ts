import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { planBatches } from "./batches.ts";

const settings = fc.record({
  batch: fc.integer({ min: 1, max: 9 }),
  epochs: fc.integer({ min: 1, max: 3 }),
  seed: fc.constantFrom("0000000000000001", "00000000000000fe"),
});
const count = fc.integer({ min: 1, max: 400 });

it("every epoch uses every row once", () => {
  fc.assert(
    fc.property(count, settings, (rows, plan) => {
      const batches = planBatches(rows, plan);
      const perEpoch = Math.ceil(rows / plan.batch);
      assert.equal(batches.length, perEpoch * plan.epochs);
      for (let epoch = 0; epoch < plan.epochs; epoch++) {
        const used = batches.slice(epoch * perEpoch, (epoch + 1) * perEpoch).flat();
        assert.deepEqual(
          used.sort((a, b) => a - b),
          Array.from({ length: rows }, (_, row) => row),
        );
      }
    }),
  );
});

it("rows, settings and seed decide the batches, and epochs differ", () => {
  const rows = 300;
  const plan = { batch: 8, epochs: 2, seed: "0000000000000001" };
  assert.deepEqual(planBatches(rows, plan), planBatches(rows, plan));
  assert.notDeepEqual(planBatches(rows, plan), planBatches(rows, { ...plan, seed: "0000000000000002" }));
  const batches = planBatches(rows, plan);
  assert.notDeepEqual(batches.slice(0, 38), batches.slice(38));
});
