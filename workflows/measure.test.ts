// Measurement of answers that can be counted by hand: two test prompts, each with two answers of ours and two
// reference answers. The stages are the activities' own, without Temporal.
import assert from "node:assert/strict";
import { it } from "node:test";
import { lengthControlledWinRate } from "../campaign/recipe/length-control.ts";
import { planOf } from "../campaign/spec/plan.ts";
import type { ModuleAnswer } from "../campaign/spec/modules.ts";
import type { EvaluateMetrics, EvaluateResult, Split } from "../campaign/types.ts";
import type { AnswerRow, LocalModel, SampleRequest } from "../runtimes/types.ts";
import type { Modules } from "../activities/attempt/stage-context.test.support.ts";
import {
  blob,
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
} from "../activities/attempt/stage-context.test.support.ts";
import { directRecipe } from "../test/support/direct-recipe.ts";
import { measure } from "./measure.ts";

/** An answer's text is a number: its reward and its true reward. */
const points = ({ text }: { text: string }): number => Number(text);
const MINE: Record<string, [text: string, tokens: number, finish: "eos" | "length"][]> = {
  t1: [
    ["3", 2, "eos"],
    ["1", 4, "eos"],
  ],
  t2: [
    ["0", 8, "length"],
    ["0", 2, "eos"],
  ],
  v1: [
    ["2", 2, "eos"],
    ["2", 2, "eos"],
  ],
  v2: [
    ["2", 2, "eos"],
    ["4", 2, "eos"],
  ],
};
const THEIRS = [
  completion("t1", 2, "1"),
  completion("t1", 3, "0"),
  completion("t2", 2, "1"),
  completion("t2", 3, "0"),
];
const LOGP_INITIAL = -6;

const runtimes = {
  generator: {
    deterministic: true,
    generate: async (policy: LocalModel, requests: SampleRequest[]) => {
      used.push(policy.digest);
      return requests.map(({ prompt, index }) => {
        const [text, tokens, finish] = MINE[prompt.id]![index]!;
        return completion(prompt.id, index, text, { tokens, finish });
      });
    },
  },
  scorer: {
    rewards: async (model: LocalModel, rows: AnswerRow[]) => {
      assert.equal(model.digest, "reward-model");
      used.push(model.digest);
      return rows.map(points);
    },
    logps: async (model: LocalModel, rows: AnswerRow[]) => {
      assert.equal(model.digest, "initial", "KL is measured to π_0");
      used.push(model.digest);
      return rows.map(() => LOGP_INITIAL);
    },
    choices: () => assert.fail("there is no preference model"),
  },
};

const MODULES: Modules = {
  gold: ({ answer }: { answer: ModuleAnswer }) => ({
    total: points(answer),
    parts: { digit: points(answer) },
  }),
  // Prefers the first answer, and the higher number more.
  judge: ({ first, second }: { first: ModuleAnswer; second: ModuleAnswer }) =>
    0.6 + (points(first) > points(second) ? 0.3 : points(first) < points(second) ? -0.3 : 0),
};

/** The models that were used, in order. */
let used: string[] = [];

async function measured(
  split: Split,
  named: ("gold" | "judge")[],
  policy = "policy",
): Promise<EvaluateMetrics> {
  const store = await memoryStore();
  const spec = await smallSpec(store, {
    modules: Object.fromEntries(named.map((role, i) => [role, blob(String(i))])),
  });
  const modules = Object.fromEntries(
    Object.entries(MODULES).filter(([role]) => named.includes(role as "gold")),
  );
  used = [];
  const recipe = directRecipe(spec, fakeDeps({ store, modules, deps: runtimes }));
  const opponent = await committedAnswers(store, THEIRS, spec.prompts.test.rows);
  const scores = await recipe.fanOut(
    { stage: "score", of: "opponent", completions: opponent, rewardModel: "reward-model" },
    1,
  );
  const bootstrap = {
    policy: "initial",
    rewardModel: "reward-model",
    opponent,
    opponentScores: named.length === 0 ? scores.digest : undefined,
  };
  const done = await measure(recipe, planOf(spec), bootstrap, policy, [split]);
  return (await store.getJson<EvaluateResult>(done[split].metrics)).metrics;
}

it("decides comparisons by the true reward: ties count half, and a prompt is one share", async () => {
  const metrics = await measured("test", ["gold", "judge"]);
  // t1: 3 and 1 against 1 and 0 win 2 + 1.5 of 4; t2: 0 and 0 against 1 and 0 win 0.5 + 0.5 of 4.
  assert.equal(metrics.winRate?.value, (3.5 / 4 + 1 / 4) / 2);
  assert.deepEqual(
    [metrics.winRate?.low, metrics.winRate?.high],
    [1 / 4, 3.5 / 4],
    "two prompts: the interval spans both shares",
  );
  assert.equal(metrics.judgedBy, "gold");
  assert.equal(metrics.gold, 1);
  assert.deepEqual(metrics.goldParts, { digit: 1 });
});

it("controls the win rate for length, against the mean length of the reference answers", async () => {
  const { lengthControlled } = await measured("test", ["gold"]);
  // Against reference answers of 2 tokens: 3 and 1 (2 and 4 tokens), 0 and 0 (8 and 2 tokens).
  const rows: [string, number, number][] = [
    ["t1", 1, 2],
    ["t1", 0.75, 4],
    ["t2", 0.25, 8],
    ["t2", 0.25, 2],
  ];
  const expected = await lengthControlledWinRate(
    rows.map(([promptId, probability, candidateTokens]) => ({
      promptId,
      probability,
      candidateTokens,
      incumbentTokens: 2,
    })),
    { resamples: 1, seed: "" },
  );
  assert.equal(lengthControlled?.value, expected.value);
  assert.notEqual(lengthControlled?.value, (3.5 / 4 + 1 / 4) / 2);
});

it("averages proxy, length, truncation and KL over answers", async () => {
  const { proxy, length, truncated, kl, prompts, completions } = await measured("test", ["gold"]);
  assert.deepEqual(
    { proxy, length, truncated, prompts, completions },
    { proxy: 1, length: 4, truncated: 1 / 4, prompts: 2, completions: 4 },
  );
  // k1: Σ log π − log π_0 of the four answers: −2 + 6, −4 + 6, −8 + 6, −2 + 6.
  assert.equal(kl, (4 + 2 - 2 + 4) / 4);
});

it("cancels out a judge's taste for the first answer", async () => {
  const { winRate, judgedBy, gold } = await measured("test", ["judge"]);
  // Ours is first and second by turns: a win gives 0.9 or 1 − 0.3, a tie 0.6 or 0.4, a loss 0.3 or 0.1.
  const t1 = [0.9, 0.7, 0.6, 0.7];
  const t2 = [0.3, 0.4, 0.3, 0.4];
  assert.ok(
    Math.abs((winRate?.value ?? 0) - [...t1, ...t2].reduce((sum, share) => sum + share, 0) / 8) < 1e-12,
    String(winRate?.value),
  );
  assert.equal(judgedBy, "judge");
  assert.equal(gold, undefined);
});

it("decides by the training reward without judge and true reward, and says so in the result", async () => {
  const { winRate, judgedBy } = await measured("test", []);
  assert.equal(winRate?.value, (3.5 / 4 + 1 / 4) / 2);
  assert.equal(judgedBy, "reward");
});

it("compares nothing on the validation split: neither judge nor true reward is asked", async () => {
  const metrics = await measured("validation", []);
  assert.deepEqual(
    [metrics.proxy, metrics.winRate, metrics.lengthControlled, metrics.judgedBy, metrics.gold],
    [2.5, undefined, undefined, undefined, undefined],
  );
});

it("uses one model after the other", async () => {
  await measured("test", ["gold"]);
  assert.deepEqual(used.slice(1), ["policy", "reward-model", "initial"]);
});

it("measures no distance of π_0 from itself", async () => {
  assert.equal((await measured("test", ["gold"], "initial")).kl, 0);
  assert.deepEqual(used.slice(1), ["initial", "reward-model"]);
});
