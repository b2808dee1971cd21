import assert from "node:assert/strict";
import { it } from "node:test";
import { resolveSpec } from "../campaign/spec/resolve.ts";
import { flops } from "./plan.ts";
import { sizesOf } from "./sizes.ts";

const SPEC = {
  name: "sized",
  policy: { path: "model" },
  prompts: { file: "prompts.jsonl", perIteration: 10, validation: 2, test: 3 },
  iterations: 2,
  generate: { samples: [{ temperature: 1, count: 4 }], maxTokens: 20 },
  score: { reward: { module: "reward.ts" } },
  evaluate: { samples: 2 },
  train: { batch: 4, epochs: 3 },
};
const MEASURED = { parameters: 1000, contextLength: 64, longestPrompt: 8 };

it("a plan's tokens are upper bounds of what its stages write, read and train on", () => {
  const { stages, totals } = sizesOf(resolveSpec(SPEC), MEASURED);
  const of = (place: string, stage: string) =>
    stages.find((size) => size.place === place && size.stage.startsWith(stage));
  assert.deepEqual(
    [of("each iteration", "generate")?.tokensMax, of("each iteration", "generate")?.readMax],
    [10 * 4 * 20, 10 * 4 * 8],
  );
  assert.equal(of("each iteration", "score")?.readMax, 0, "a module reads no tokens");
  assert.deepEqual(
    [of("each iteration", "train")?.trainedMax, of("each iteration", "train")?.readMax],
    [3 * 10 * 2 * 28, 10 * 2 * 28],
    "chosen and rejected, prompt with answer; the reference once",
  );
  assert.equal(of("each iteration", "answer")?.readMax, 5 * 2 * 8);
  assert.equal(of("each iteration", "reference")?.readMax, 5 * 2 * 28, "the answers once more, for KL");
  assert.equal(of("bootstrap", "reference"), undefined, "π_0 is not measured against itself");
  assert.equal(of("each iteration", "judge (promotion)"), undefined, "there is no judge");
  const [written, read, trained] = [
    3 * 2 * 20 + 5 * 2 * 20 + 2 * (800 + 200),
    3 * 2 * 8 + 5 * 2 * 8 + 2 * (320 + 560 + 80 + 280),
    2 * 1680,
  ];
  assert.deepEqual([totals.tokensMax, totals.readMax, totals.trainedMax], [written, read, trained]);
  assert.equal(totals.flopsMax, 1000 * (2 * (written + read) + 6 * trained));
});

it("a reward model reads every answer, a preference model compares in both orders", () => {
  const scored = (reward: object) =>
    sizesOf(resolveSpec({ ...SPEC, ...reward }), MEASURED).stages.find(({ stage }) =>
      stage.startsWith("score ("),
    )?.readMax;
  const preferences = { file: "pairs.jsonl" };
  assert.equal(scored({ bootstrap: { preferences, reward: {} }, score: { reward: "model" } }), 10 * 4 * 28);
  assert.equal(
    scored({ bootstrap: { preferences, preferenceModel: {} }, score: { reward: "preference-model" } }),
    2 * 2 * 10 * 3 * 64,
  );
});

it("a refit trains on the new pairs and the replay; scores make the pairs again only without `pairs`", () => {
  const of = (use: ("pairs" | "reward")[]) =>
    sizesOf(
      resolveSpec({
        ...SPEC,
        bootstrap: { preferences: { file: "pairs.jsonl" }, reward: {} },
        score: { reward: "model" },
        labels: { perIteration: 10, audit: 2, use, refit: { replay: 1.5, batch: 5 } },
      }),
      MEASURED,
    ).stages.filter(({ place, stage }) => place === "each iteration" && /refit|pair/.test(stage));
  const both = of(["pairs", "reward"]);
  assert.deepEqual(
    both.map(({ stage, rowsMax }) => [stage, rowsMax]),
    [
      ["pair (replay)", 20],
      ["refit", 20],
      ["pair (labels)", 8],
      ["score (refitted)", undefined],
    ],
  );
  assert.equal(both[1]?.stepsMax, 4);
  const scored = of(["reward"]);
  assert.deepEqual(
    scored.map(({ stage, readMax = 0 }) => [stage, readMax]),
    [
      ["pair (replay)", 0],
      ["refit", 0],
      ["score (refitted)", 10 * 4 * 28],
      ["pair (max-min)", 0],
      ["score (refitted)", 5 * 2 * 28],
    ],
  );
});

it("operations are printed in a fitting unit", () => {
  assert.deepEqual([4.23e15, 9.9e11, 2e18, 3e13].map(flops), [
    "4.2 PFLOP",
    "990 GFLOP",
    "2 EFLOP",
    "30 TFLOP",
  ]);
});
