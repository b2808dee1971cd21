import assert from "node:assert/strict";
import { it } from "node:test";
import type { ModuleAnswer } from "../campaign/spec/modules.ts";
import {
  blob,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "./attempt/stage-context.test.support.ts";
import type { JudgeInput } from "./contract.ts";
import { judge } from "./judging.ts";

interface Question {
  first: ModuleAnswer;
  second: ModuleAnswer;
  seed: string;
}

/** Probabilities and questions of a judge that compares four answers "new" with four answers "old". */
async function compared(
  answer: (question: Question) => number,
  seed = 7,
): Promise<{ probabilities: number[]; questions: Question[] }> {
  const store = await memoryStore();
  const questions: Question[] = [];
  const modules = { judge: ((row: Question) => (questions.push(row), answer(row))) as never };
  const context = stageContext<JudgeInput>({
    spec: await smallSpec(store, { seed, modules: { judge: blob("a") } }),
    deps: fakeDeps({ store, modules }),
    input: {
      stage: "judge",
      of: "validation",
      by: "judge",
      ours: "new answers",
      theirs: "old answers",
    },
  });
  const comparisons = [0, 1, 2, 3].map((index) => ({
    prompt: { id: "v1", prompt: "say v1" },
    ours: completion("v1", index, "new"),
    theirs: { ...completion("v1", index, "old"), seed: `old/${index}` },
  }));
  return { probabilities: await judge(context, comparisons), questions };
}

it("our answer comes first in every second comparison, and probabilities are of our answer", async () => {
  const { probabilities, questions } = await compared(({ first }) => (first.text === "new" ? 0.75 : 0.25));
  assert.deepEqual(
    questions.map(({ first, second }) => [first.text, second.text]),
    [
      ["new", "old"],
      ["old", "new"],
      ["new", "old"],
      ["old", "new"],
    ],
  );
  assert.deepEqual(probabilities, [0.75, 0.75, 0.75, 0.75]);
});

it("a judge that always prefers the first answer wins and loses as often", async () => {
  assert.deepEqual((await compared(() => 1)).probabilities, [1, 0, 1, 0]);
});

it("a judge sees an answer's text and finish, and nothing else of it", async () => {
  const { questions } = await compared(() => 0.5);
  assert.deepEqual(questions[0]?.first, { text: "new", finish: "eos" });
});

it("each comparison has a seed of its own, which another campaign does not share", async () => {
  const seedsOf = async (seed: number): Promise<string[]> =>
    (await compared(() => 0.5, seed)).questions.map((question) => question.seed);
  const [one, again, other] = [await seedsOf(7), await seedsOf(7), await seedsOf(8)];
  assert.deepEqual(again, one);
  assert.equal(new Set([...one, ...other]).size, 8);
});
