// Compares a policy's answers to the test split with the reference answers to the same prompts: by the true
// reward if the spec has one, else by the judge, else by the proxy.
import type { GoldScore } from "../../campaign/spec/modules.ts";
import type { EvaluateMetrics } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { StageContext } from "../attempt/context.ts";
import type { EvaluateInput } from "../contract.ts";
import { judge } from "../judging.ts";
import type { Comparison } from "../judging.ts";
import { callModule, moduleAnswer } from "../modules.ts";
import type { Evaluated } from "./evaluate-metrics.ts";
import { preferenceModel, preferencesOf } from "./preference-model.ts";
import { rewardsOf } from "./rewards.ts";

type Context = StageContext<EvaluateInput>;
type JudgedBy = NonNullable<EvaluateMetrics["judgedBy"]>;

export type Answer = Evaluated & { prompt: Prompt };

export const judgedByOf = ({ spec: { modules } }: Context): JudgedBy =>
  modules.gold ? "gold" : modules.judge ? "judge" : "reward";

/** Digest of the module that decides comparisons; undefined if the proxy does. */
export function judgingDigest(context: Context): string | undefined {
  const judgedBy = judgedByOf(context);
  return judgedBy === "reward" ? undefined : context.spec.modules[judgedBy]?.digest;
}

/**
 * Sets each answer's `gold`, `wins`, `comparisons` and `referenceTokens`, and its `proxy` if a preference
 * model scores.
 */
export async function compare(
  context: Context,
  answers: Answer[],
  referenceAnswers: readonly Completion[],
): Promise<void> {
  const judgedBy = judgedByOf(context);
  const comparisons = answers.flatMap((ours) =>
    referenceAnswers
      .filter(({ promptId }) => promptId === ours.promptId)
      .map((theirs) => ({ prompt: ours.prompt, ours, theirs })),
  );
  if (judgedBy === "gold") {
    const scores = await trueRewards(context, answers);
    answers.forEach((row, at) => (row.gold = scores[at] as GoldScore));
  }
  const preferences = preferenceModel(context)
    ? await preferencesOf(context, context.input.rewardModel, comparisons.map(asQuestion))
    : undefined;
  const wins =
    judgedBy === "judge"
      ? await judge(context, comparisons)
      : judgedBy === "reward" && preferences
        ? preferences
        : await winsByScore(context, comparisons, judgedBy);
  for (const row of answers) Object.assign(row, { wins: 0, comparisons: 0, referenceTokens: 0 });
  comparisons.forEach(({ ours, theirs }, at) => {
    ours.wins = (ours.wins ?? 0) + (wins[at] as number);
    ours.comparisons = (ours.comparisons ?? 0) + 1;
    ours.referenceTokens = (ours.referenceTokens ?? 0) + theirs.ids.length;
    if (preferences) ours.proxy = (ours.proxy ?? 0) + (preferences[at] as number);
  });
  if (preferences) for (const row of answers) row.proxy = (row.proxy as number) / (row.comparisons as number);
}

/** 1 for each comparison that ours wins by its score, ½ for a tie, else 0. */
async function winsByScore(
  context: Context,
  comparisons: Comparison<Answer>[],
  judgedBy: "gold" | "reward",
): Promise<number[]> {
  const prompts = new Map(comparisons.map(({ prompt }) => [prompt.id, prompt]));
  const theirs = [...new Set(comparisons.map((comparison) => comparison.theirs))];
  const rows = theirs.map((row) => ({ ...row, prompt: prompts.get(row.promptId) as Prompt }));
  const scores =
    judgedBy === "gold"
      ? (await trueRewards(context, rows)).map(({ total }) => total)
      : await rewardsOf(context, context.input.rewardModel, rows);
  const theirScore = new Map(theirs.map((row, at) => [row, scores[at] as number]));
  return comparisons.map((comparison) => {
    const { gold, proxy } = comparison.ours;
    const ourScore = judgedBy === "gold" ? (gold as GoldScore).total : (proxy as number);
    const difference = ourScore - (theirScore.get(comparison.theirs) as number);
    return difference > 0 ? 1 : difference < 0 ? 0 : 0.5;
  });
}

const trueRewards = (
  context: Context,
  rows: readonly (Completion & { prompt: Prompt })[],
): Promise<GoldScore[]> =>
  callModule(
    context,
    "gold",
    rows.map(({ prompt, ...row }) => ({ prompt, answer: moduleAnswer(row) })),
  );

const asQuestion = ({ prompt, ours, theirs }: Comparison) => ({
  prompt,
  first: ours.text,
  second: theirs.text,
});
