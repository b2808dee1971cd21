import assert from "node:assert/strict";
import { it } from "node:test";
import type { AnswerRow } from "../../runtimes/types.ts";
import type { ScoreInput } from "../contract.ts";
import { runShard } from "../pieces.ts";
import { scoreStage } from "./score.ts";
import {
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";

for (const value of [NaN, Infinity]) {
  it(`refuses a score of ${value}, names model and prompt, and commits no score`, async () => {
    const store = await memoryStore();
    const spec = await smallSpec(store);
    const completions = await committedAnswers(
      store,
      [completion("o1", 0, "fine"), completion("o2", 0, "odd")],
      spec.prompts.iterations.rows,
    );
    const scorer = {
      rewards: async (_model: unknown, rows: AnswerRow[]) =>
        rows.map(({ text }) => (text === "odd" ? value : 1)),
    };
    const rewardModel = "abcdef012345".padEnd(64, "0");
    const context = stageContext<ScoreInput>({
      spec,
      deps: fakeDeps({ store, deps: { scorer: scorer as never } }),
      input: { stage: "score", of: "iteration", completions, rewardModel },
    });
    await assert.rejects(runShard(context, await scoreStage(context), { index: 0, from: 0, to: 1 }), {
      kind: "training",
      code: "reward_not_finite",
      message: `the reward model abcdef012345 answers ${value} for an answer to prompt o2`,
    });
    for await (const key of store.backend.list("campaigns/")) assert.fail(`${key} was committed`);
  });
}
