import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { differences, showDifference } from "./differences.ts";

it("shows a changed setting by its path with both values", () => {
  const before = {
    train: { beta: 0.1, optimizer: { learningRate: 1e-4 } },
    baselines: [{ name: "offline" }],
  };
  const after = {
    train: { beta: 0.1, optimizer: { learningRate: 2e-4 } },
    baselines: [{ name: "offline" }, { name: "matched" }],
  };
  assert.deepEqual(differences(before, after).map(showDifference), [
    "train.optimizer.learningRate: 0.0001 → 0.0002",
    'baselines[1]: (none) → {"name":"matched"}',
  ]);
});

it("shortens digests", () => {
  assert.equal(
    showDifference({ path: "policy.tree", before: "a".repeat(64), after: undefined }),
    "policy.tree: aaaaaaaaaaaa → (none)",
  );
});

it("equal values have no differences, and every difference is real", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => assert.deepEqual(differences(value, structuredClone(value)), [])),
  );
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      for (const difference of differences(before, after))
        assert.notDeepEqual(difference.before, difference.after);
    }),
  );
});
