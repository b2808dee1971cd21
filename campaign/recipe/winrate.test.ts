import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Random } from "./random.ts";
import { bootstrapMean, pairedDifference, sharesOf, winRate, winShare } from "./winrate.ts";

const bootstrap = { resamples: 500, seed: "s" };
const scores = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 5 });
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });

it("what one side wins the other loses, ties shared", () => {
  fc.assert(
    fc.property(scores, scores, (a, b) => assert.ok(Math.abs(winShare(a, b) + winShare(b, a) - 1) < 1e-12)),
  );
  assert.equal(winShare([2, 0], [1, 1, 2, 2]), (2 + 2 * 0.5) / 8);
});

it("the interval holds the value and stays within what was seen", () => {
  fc.assert(
    fc.property(shares, (values) => {
      const { value, low, high } = bootstrapMean(values, bootstrap);
      assert.ok(
        low <= value + 1e-9 || values.length < 5,
        "percentile intervals of few values may miss the mean",
      );
      assert.ok(low <= high);
      assert.ok(low >= Math.min(...values) - 1e-12 && high <= Math.max(...values) + 1e-12);
    }),
  );
});

it("equal arms differ by nothing, with an interval of nothing", () => {
  fc.assert(
    fc.property(shares, (values) => {
      const arm = new Map(values.map((value, i) => [`p${i}`, value]));
      assert.deepEqual(pairedDifference(arm, new Map([...arm].reverse()), bootstrap), {
        value: 0,
        low: 0,
        high: 0,
      });
    }),
  );
});

it("the interval depends on the seed and the shares, not on the order of prompts", () => {
  const arm = new Map(Array.from({ length: 40 }, (_, i) => [`p${i}`, ((i * 7) % 11) / 10] as const));
  assert.deepEqual(winRate(arm, bootstrap), winRate(new Map([...arm].reverse()), bootstrap));
  assert.notDeepEqual(winRate(arm, bootstrap), winRate(arm, { ...bootstrap, seed: "other" }));
});

it("the 95 % interval covers the true mean about 95 times in 100", () => {
  const random = new Random("coverage");
  let covered = 0;
  for (let trial = 0; trial < 400; trial++) {
    const values = Array.from({ length: 60 }, () => (random.float() < 0.7 ? 1 : 0));
    const { low, high } = bootstrapMean(values, { resamples: 400, seed: `${trial}` });
    if (low <= 0.7 && 0.7 <= high) covered += 1;
  }
  // Binomial(400, 0.95): standard deviation 4.4; the percentile interval of 60 coin throws is a little narrow.
  assert.ok(covered >= 360 && covered <= 395, `${covered} of 400`);
});

it("pairing by prompt narrows a difference that both arms share the noise of", () => {
  const random = new Random("paired");
  const first = new Map<string, number>();
  const second = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    const hard = random.float() * 0.9;
    first.set(`p${i}`, hard + 0.05);
    second.set(`p${i}`, hard);
  }
  const { value, low, high } = pairedDifference(first, second, bootstrap);
  assert.ok(Math.abs(value - 0.05) < 1e-9 && high - low < 1e-9);
});

it("a judge's answers are averaged by prompt before anything else", () => {
  const shares = sharesOf([
    { promptId: "a", probability: 1 },
    { promptId: "b", probability: 0 },
    { promptId: "a", probability: 0.5 },
  ]);
  assert.deepEqual(
    [...shares],
    [
      ["a", 0.75],
      ["b", 0],
    ],
  );
  assert.equal(winRate(shares, bootstrap).value, 0.375);
});

it("arms over different prompts are not compared", () => {
  const code = { kind: "invariant", code: "prompts_differ" };
  assert.throws(() => pairedDifference(new Map([["a", 1]]), new Map([["b", 1]]), bootstrap), code);
  assert.throws(
    () =>
      pairedDifference(
        new Map([["a", 1]]),
        new Map([
          ["a", 1],
          ["b", 1],
        ]),
        bootstrap,
      ),
    code,
  );
  assert.throws(() => winRate(new Map(), bootstrap), { code: "nothing_to_compare" });
});
