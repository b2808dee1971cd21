import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { comparisonsOf, pairsFromLabels } from "./labels.ts";
import type { AnsweredGroup } from "./labels.ts";

const answer = (text: string) => ({ text, ids: [...text].map(() => 1), finish: "eos" as const });
const groups: AnsweredGroup[] = Array.from({ length: 200 }, (_, i) => ({
  prompt: { id: `p${i}`, prompt: "q" },
  candidates: [answer("cold"), answer("cool"), answer("hot"), answer("hotter")],
}));

it("answers of the first half are compared with those of the second, in both orders", () => {
  const { comparisons } = comparisonsOf(groups, "s");
  assert.deepEqual(
    [...new Set(comparisons.map(({ first, second }) => `${first.text}/${second.text}`))].sort(),
    ["cold/hot", "cool/hotter", "hot/cold", "hotter/cool"],
  );
  assert.equal(new Set(comparisons.map(({ seed }) => seed)).size, comparisons.length);
});

it("identical answers are not compared", () => {
  const { comparisons, identical } = comparisonsOf(
    [{ prompt: { id: "a", prompt: "q" }, candidates: [answer("x"), answer("x")] }],
    "s",
  );
  assert.deepEqual([comparisons.length, identical], [0, 1]);
});

it("labels make pairs for either order of the answers; ties are dropped and counted", () => {
  const { comparisons } = comparisonsOf(groups, "s");
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0.2, 0.5, 0.9, 1), {
        minLength: comparisons.length,
        maxLength: comparisons.length,
      }),
      (labels) => {
        const { pairs, report } = pairsFromLabels(comparisons, labels, 0);
        assert.equal(report.labels, comparisons.length);
        assert.equal(pairs.length + report.dropped["tie"]!, comparisons.length);
        let at = 0;
        comparisons.forEach(({ first, second }, i) => {
          if (labels[i] === 0.5) return;
          const pair = pairs[at++]!;
          assert.deepEqual(
            [pair.chosen, pair.rejected],
            labels[i]! > 0.5 ? [first.text, second.text] : [second.text, first.text],
          );
        });
      },
    ),
  );
});
