import assert from "node:assert/strict";
import { it } from "node:test";
import { formatSummary } from "./format.ts";
import { expectationOf, meanOf, summarise } from "./summary.ts";

const near = (value: number, wanted: number): void =>
  assert.ok(Math.abs(value - wanted) < 5e-4, `${value} is not ${wanted}`);

it("a mean's interval is Student's t over seeds", () => {
  // Deviation 1, so the half-width is 4.303 / √3 = 2.484.
  const { mean, low, high } = meanOf([1, 2, 3]);
  assert.equal(mean, 2);
  near(low, -0.484);
  near(high, 4.484);
  assert.throws(() => meanOf([1]), RangeError);
});

const run = (seed: number, offline: number, last: number) => {
  const arm = (name: string, value: number) => ({
    name,
    learningRate: 1e-4,
    labels: 32,
    pairs: 32,
    steps: 4,
    metrics: {
      prompts: 2,
      completions: 2,
      winRate: { value, low: value, high: value },
      gold: 2 * value,
      goldParts: { order: value },
      length: 20,
      truncated: 0,
      kl: 1,
      proxy: 1,
    },
  });
  return {
    seed,
    processor: "a",
    arms: [arm("sft", 0.5), arm("offline", offline), arm("iteration-1", last)],
    vs: { offline: { diff: last - offline, low: 0, high: 0 } },
    promoted: { name: "iteration-1", vs: { offline: { diff: last - offline, low: 0, high: 0 } } },
  };
};
const runs = [run(1, 0.6, 0.7), run(2, 0.7, 0.7), run(3, 0.8, 1)];

it("differences are means of each seed's difference", () => {
  const { rows, differences, promoted } = summarise(runs);
  near(differences["last − offline"]!.mean, 0.1);
  near(rows[2]!.winRate.mean, 0.8);
  near(rows[2]!.gold!, 1.6);
  near(rows[1]!.parts["order"]!, 0.7);
  assert.deepEqual(promoted, ["iteration-1", "iteration-1", "iteration-1"]);
  assert.match(
    formatSummary(summarise(runs)),
    /\| iteration-1 \| 0\.70 \| 0\.70 \| 1\.00 \| 0\.80 \[0\.37, 1\.23\] \|/,
  );
});

it("another seed is expected in a wider range than the mean", () => {
  const { winRates, differences, seeds } = expectationOf(runs);
  assert.deepEqual(seeds, [1, 2, 3]);
  // The half-width of the mean is 0.248; times √4.
  const gain = differences["last − offline"]!;
  near(gain.high - gain.mean, 0.497);
  near(gain.mean - gain.low, 0.497);
  // 0.8 ± 0.861, but no win rate is beyond 0 and 1.
  assert.deepEqual([winRates["iteration-1"]!.low, winRates["iteration-1"]!.high], [0, 1]);
});
