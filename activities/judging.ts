// Asks a module which of two answers to one prompt is better: the judge, for promotion and the test report,
// or labelers.
import { opinionOf } from "../campaign/labeling/opinion.ts";
import type { Opinion } from "../campaign/labeling/types.ts";
import { labelersAt } from "../campaign/spec/labels-at.ts";
import { judgeSeed } from "../campaign/recipe/seeds.ts";
import type { ModuleAnswer } from "../campaign/spec/modules.ts";
import type { Completion, Prompt } from "../runtimes/types.ts";
import type { StageContext } from "./attempt/context.ts";
import { callModule, moduleAnswer } from "./modules.ts";

interface Question {
  prompt: Prompt;
  first: ModuleAnswer;
  second: ModuleAnswer;
  /** Of the module's own noise, if it has any. */
  seed: string;
}

/** P(first is better) for each question. */
const askJudge = (context: StageContext, questions: readonly Question[]): Promise<number[]> =>
  callModule<Question, number>(context, "judge", questions.map(moduleQuestion));

/** The label of each question. */
export async function askLabelers(context: StageContext, questions: readonly Question[]): Promise<Opinion[]> {
  const rows = questions.map(moduleQuestion);
  const role = labelersAt(context.input.place);
  return (await callModule<Question, number | Opinion>(context, role, rows)).map(opinionOf);
}

const moduleQuestion = ({ prompt, first, second, seed }: Question): Question => ({
  prompt,
  first: moduleAnswer(first),
  second: moduleAnswer(second),
  seed,
});

export interface Comparison<Ours extends Completion = Completion> {
  prompt: Prompt;
  ours: Ours;
  theirs: Completion;
}

/** P(ours is better) for each comparison, by the judge. */
export const judge = (context: StageContext, comparisons: readonly Comparison[]): Promise<number[]> =>
  judgeBy((questions) => askJudge(context, questions), context.spec.seed, comparisons);

/** Ours comes first in every second comparison, so that a judge's taste for a position cancels out. */
export async function judgeBy(
  ask: (questions: Question[]) => Promise<number[]>,
  campaignSeed: number,
  comparisons: readonly Comparison[],
): Promise<number[]> {
  const isOursFirst = (at: number): boolean => at % 2 === 0;
  const questions = comparisons.map(({ prompt, ours, theirs }, at): Question => {
    const [first, second] = isOursFirst(at) ? [ours, theirs] : [theirs, ours];
    return { prompt, first, second, seed: judgeSeed(campaignSeed, ours.seed, theirs.seed) };
  });
  const firstWins = await ask(questions);
  return firstWins.map((probability, at) => (isOursFirst(at) ? probability : 1 - probability));
}
