import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Random } from "./random.ts";
import { resampledMean, pairedDifference, sharesOf, winRate, winShare } from "./winrate.ts";

const resampling = { resamples: 500, seed: "s" };
const scores = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 5 });
const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 });

it("the shares of both sides sum to 1; ties count half", () => {
  fc.assert(
    fc.property(scores, scores, (a, b) => assert.ok(Math.abs(winShare(a, b) + winShare(b, a) - 1) < 1e-12)),
  );
  assert.equal(winShare([2, 0], [1, 1, 2, 2]), (2 + 2 * 0.5) / 8);
});

it("the interval contains the value and stays within the smallest and largest share", () => {
  fc.assert(
    fc.property(shares, (values) => {
      const { value, low, high } = resampledMean(values, resampling);
      assert.ok(
        low <= value + 1e-9 || values.length < 5,
        "percentile intervals of few values may miss the mean",
      );
      assert.ok(low <= high);
      assert.ok(low >= Math.min(...values) - 1e-12 && high <= Math.max(...values) + 1e-12);
    }),
  );
});

it("equal variants differ by 0 with the interval [0, 0]", () => {
  fc.assert(
    fc.property(shares, (values) => {
      const variant = new Map(values.map((value, i) => [`p${i}`, value]));
      assert.deepEqual(pairedDifference(variant, new Map([...variant].reverse()), resampling), {
        value: 0,
        low: 0,
        high: 0,
      });
    }),
  );
});

it("the interval depends on the seed and the shares, not on the order of prompts", () => {
  const variant = new Map(Array.from({ length: 40 }, (_, i) => [`p${i}`, ((i * 7) % 11) / 10] as const));
  assert.deepEqual(winRate(variant, resampling), winRate(new Map([...variant].reverse()), resampling));
  assert.notDeepEqual(winRate(variant, resampling), winRate(variant, { ...resampling, seed: "other" }));
});

it("the 95 % interval covers the true mean about 95 times in 100", () => {
  const random = new Random("coverage");
  let covered = 0;
  for (let trial = 0; trial < 400; trial++) {
    const values = Array.from({ length: 60 }, () => (random.float() < 0.7 ? 1 : 0));
    const { low, high } = resampledMean(values, { resamples: 400, seed: `${trial}` });
    if (low <= 0.7 && 0.7 <= high) covered += 1;
  }
  // Binomial(400, 0.95): standard deviation 4.4; the percentile interval of 60 coin throws is a little
  // narrow.
  assert.ok(covered >= 360 && covered <= 395, `${covered} of 400`);
});

it("pairing by prompt removes noise that both variants share", () => {
  const random = new Random("paired");
  const first = new Map<string, number>();
  const second = new Map<string, number>();
  for (let i = 0; i < 200; i++) {
    const hard = random.float() * 0.9;
    first.set(`p${i}`, hard + 0.05);
    second.set(`p${i}`, hard);
  }
  const { value, low, high } = pairedDifference(first, second, resampling);
  assert.ok(Math.abs(value - 0.05) < 1e-9 && high - low < 1e-9);
});

it("a judge's probabilities are averaged by prompt first", () => {
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
  assert.equal(winRate(shares, resampling).value, 0.375);
});

it("variants over different prompts are not compared", () => {
  const code = { kind: "invariant", code: "prompts_differ" };
  assert.throws(() => pairedDifference(new Map([["a", 1]]), new Map([["b", 1]]), resampling), code);
  assert.throws(
    () =>
      pairedDifference(
        new Map([["a", 1]]),
        new Map([
          ["a", 1],
          ["b", 1],
        ]),
        resampling,
      ),
    code,
  );
  assert.throws(() => winRate(new Map(), resampling), { code: "nothing_to_compare" });
});
