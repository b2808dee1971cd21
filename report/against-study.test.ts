import assert from "node:assert/strict";
import { it } from "node:test";
import { formatAgainstStudy } from "./against-study.ts";

it("says of each figure whether it is where the study expects 95 % of seeds", () => {
  const arm = (name: string, value: number) => ({
    name,
    metrics: {
      prompts: 2,
      completions: 2,
      winRate: { value, low: 0, high: 1 },
      length: 20,
      truncated: 0,
      kl: 1,
    },
    learningRate: null,
    labels: null,
    pairs: null,
    steps: null,
  });
  const gain = { diff: -0.25, low: -0.3, high: -0.2 };
  const text = formatAgainstStudy(
    {
      arms: [arm("unknown", 0.1), arm("offline", 0.9), arm("iteration-1", 0.65)],
      vs: { offline: gain },
      promoted: { name: "iteration-1", vs: { offline: gain } },
    },
    {
      seeds: [203, 201, 202],
      processors: ["a CPU"],
      winRates: {
        offline: { mean: 0.88, low: 0.8, high: 0.96 },
        "iteration-1": { mean: 0.8, low: 0.7, high: 0.9 },
      },
      differences: { "last − offline": { mean: -0.08, low: -0.25, high: 0.1 } },
    },
    { color: false },
  );
  assert.equal(
    text.replace(/ +$/gm, ""),
    `Beside a study of 3 seeds (201 to 203, a CPU), and where it expects 95 % of other seeds:
win rate         here  study  95 % of seeds   within
offline          0.90   0.88  [0.80, 0.96]    yes
iteration-1      0.65   0.80  [0.70, 0.90]    no
last − offline  -0.25  -0.08  [-0.25, +0.10]  yes`,
  );
});
