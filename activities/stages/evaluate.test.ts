// Evaluation on answers that can be counted by hand: two test prompts, two answers of ours and two of the opponent's to each.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { ModuleAnswer } from "../../campaign/spec/modules.ts";
import type { EvaluateResult } from "../../campaign/types.ts";
import type { AnswerRow, LocalModel, SampleRequest } from "../../runtimes/types.ts";
import type { EvaluateInput } from "../contract.ts";
import { evaluateStage } from "./evaluate.ts";
import { runShard, sealStage } from "../pieces.ts";
import type { Modules } from "../attempt/stage-context.test.support.ts";
import {
  blob,
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";

/** The number that stands in an answer's text is its reward and its gold. */
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
    generate: async (_policy: LocalModel, requests: SampleRequest[]) =>
      requests.map(({ prompt, index }) => {
        const [text, tokens, finish] = MINE[prompt.id]![index]!;
        return completion(prompt.id, index, text, { tokens, finish });
      }),
  },
  scorer: {
    rewards: async (model: LocalModel, rows: AnswerRow[]) => {
      assert.equal(model.digest, "reward-model");
      return rows.map(points);
    },
    logps: async (model: LocalModel, rows: AnswerRow[]) => {
      assert.equal(model.digest, "initial", "KL is measured to π_0");
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
  // Likes what stands first, and the higher number more.
  judge: ({ first, second }: { first: ModuleAnswer; second: ModuleAnswer }) =>
    0.6 + (points(first) > points(second) ? 0.3 : points(first) < points(second) ? -0.3 : 0),
};

async function evaluated(
  split: "validation" | "test",
  named: ("gold" | "judge")[],
): Promise<EvaluateResult["metrics"]> {
  const store = await memoryStore();
  const spec = await smallSpec(store, {
    modules: Object.fromEntries(named.map((role, i) => [role, blob(String(i))])),
  });
  const modules = Object.fromEntries(
    Object.entries(MODULES).filter(([role]) => named.includes(role as "gold")),
  );
  const opponent =
    split === "test" ? await committedAnswers(store, THEIRS, spec.prompts.test.rows) : undefined;
  const input = {
    stage: "evaluate",
    split,
    policy: "policy",
    initial: "initial",
    rewardModel: "reward-model",
    ...(opponent ? { opponent } : {}),
  } as const;
  const context = stageContext<EvaluateInput>({
    spec,
    deps: fakeDeps({ store, modules, deps: runtimes }),
    input,
  });
  const stage = await evaluateStage(context);
  await runShard(context, stage, { index: 0, from: 0, to: stage.pieces });
  return (await store.getJson<EvaluateResult>((await sealStage(context, stage)).digest)).metrics;
}

it("gold decides every comparison with the opponent, ties count half, and a prompt is one share", async () => {
  const metrics = await evaluated("test", ["gold", "judge"]);
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

it("proxy, length, share of cut answers and KL are means over answers", async () => {
  const { proxy, length, truncated, kl, prompts, completions } = await evaluated("test", ["gold"]);
  assert.deepEqual(
    { proxy, length, truncated, prompts, completions },
    { proxy: 1, length: 4, truncated: 1 / 4, prompts: 2, completions: 4 },
  );
  // k1: Σ log π − log π_0 of the four answers: −2 + 6, −4 + 6, −8 + 6, −2 + 6.
  assert.equal(kl, (4 + 2 - 2 + 4) / 4);
});

it("a judge's taste for the answer that stands first cancels out", async () => {
  const { winRate, judgedBy, gold } = await evaluated("test", ["judge"]);
  // By turns first and second: a win is 0.9 or 1 − 0.3, a tie 0.6 or 0.4, a loss 0.3 or 0.1.
  const t1 = [0.9, 0.7, 0.6, 0.7];
  const t2 = [0.3, 0.4, 0.3, 0.4];
  assert.ok(
    Math.abs((winRate?.value ?? 0) - [...t1, ...t2].reduce((sum, share) => sum + share, 0) / 8) < 1e-12,
    String(winRate?.value),
  );
  assert.equal(judgedBy, "judge");
  assert.equal(gold, undefined);
});

it("without judge and gold the training reward decides, and the result says so", async () => {
  const { winRate, judgedBy } = await evaluated("test", []);
  assert.equal(winRate?.value, (3.5 / 4 + 1 / 4) / 2);
  assert.equal(judgedBy, "reward");
});

it("the validation split has no opponent, and neither judge nor gold is asked about it", async () => {
  const metrics = await evaluated("validation", []);
  assert.deepEqual(
    [metrics.proxy, metrics.winRate, metrics.judgedBy, metrics.gold],
    [2.5, undefined, undefined, undefined],
  );
});
