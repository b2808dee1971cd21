import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { pairsFromLabels } from "./pairs.ts";
import type { LabeledComparison } from "./pairs.ts";

const answer = (text: string) => ({ text, ids: [...text].map(() => 1) });
const comparison = (balance: number, i: number): LabeledComparison => ({
  prompt: { id: `p${i}`, prompt: "q" },
  first: answer("cold"),
  second: answer("hotter"),
  balance,
  labels: Math.abs(balance) + 2,
});
const balances = fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 40 });

it("each decided comparison is a pair, in order; the others are counted as ties", () => {
  fc.assert(
    fc.property(balances, (votes) => {
      const { pairs, report } = pairsFromLabels(votes.map(comparison), 0);
      const decided = votes.filter((balance) => balance !== 0);
      assert.deepEqual(
        pairs.map(({ chosen, rejected }) => [chosen, rejected]),
        decided.map((balance) => (balance > 0 ? ["cold", "hotter"] : ["hotter", "cold"])),
      );
      assert.deepEqual(report.dropped, { tie: votes.length - decided.length, limit: 0 });
      assert.equal(
        report.labels,
        votes.reduce((sum, balance) => sum + Math.abs(balance) + 2, 0),
      );
    }),
  );
});

it("with a limit, only the comparisons up to the last pair are read, and only their labels count", () => {
  const { pairs, report } = pairsFromLabels([1, 0, -1, 1, 0].map(comparison), 2);
  assert.deepEqual(
    pairs.map(({ prompt_id }) => prompt_id),
    ["p0", "p2"],
  );
  assert.deepEqual([report.pairs, report.groups, report.labels], [2, 5, 8]);
  assert.deepEqual(report.dropped, { tie: 1, limit: 2 });
  assert.equal(report.lengthDifference, 0);
});
