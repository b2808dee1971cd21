// Measures a policy on splits of prompts: its answers, their rewards by the proxy, their log-probabilities
// under π_0, and on the test split comparisons with the reference answers. Each is a fan-out that names at
// most one model, and the splits pass each of them together, so a worker loads each model once.
import type { Bootstrap, Digest, PlacePlan, Split } from "../campaign/types.ts";
import type { Recipe } from "./recipe.ts";

/** What policies are measured by: π_0, its answers, and the reward models. */
export interface Measures extends Bootstrap {
  /** The reward model that this iteration made. Its scores stand beside the bootstrap's. */
  refitted?: Digest;
}

export interface Measured {
  /** Result digests of answer and of evaluate. */
  answers: Digest;
  metrics: Digest;
}

type Of<S extends Split, T> = Record<S, T>;

export async function measure<S extends Split>(
  stages: Recipe,
  plan: PlacePlan,
  measures: Measures,
  policy: Digest,
  splits: readonly S[],
): Promise<Of<S, Measured>> {
  const { policy: initial, rewardModel, refitted } = measures;
  const { pieces } = plan;

  const answers = await each(splits, (of) => stages.fanOut({ stage: "answer", of, policy }, pieces[of]));
  const scored = (by: { by?: "refitted"; rewardModel?: Digest | undefined }) =>
    each(splits, (of) =>
      stages.fanOut({ stage: "score", of, completions: answers[of].digest, ...by }, pieces[of]),
    );
  const scores = plan.proxy === "rewards" ? await scored({ rewardModel }) : undefined;
  const newScores = refitted ? await scored({ by: "refitted", rewardModel: refitted }) : undefined;
  const reference = await each(splits, (of) =>
    // By definition, π_0 has no distance from itself.
    policy === initial
      ? undefined
      : stages.fanOut({ stage: "reference", of, answers: answers[of].digest, model: initial }, pieces[of]),
  );
  const verdicts = await each(splits, (of) =>
    of === "test" ? compare(stages, plan, measures, answers[of].digest, scores?.[of].digest) : undefined,
  );
  return each(splits, async (split) => {
    const { digest } = await stages.evaluate({
      stage: "evaluate",
      split,
      policy,
      answers: answers[split].digest,
      scores: scores?.[split].digest,
      refittedScores: newScores?.[split].digest,
      reference: reference[split]?.digest,
      ...verdicts[split],
    });
    return { answers: answers[split].digest, metrics: digest };
  });
}

/** Comparisons of test answers with the reference answers: those that decide, and the preference model's. */
async function compare(
  stages: Recipe,
  plan: PlacePlan,
  { opponent: theirs, opponentScores, rewardModel }: Bootstrap,
  ours: Digest,
  scores: Digest | undefined,
): Promise<{ verdicts: Digest; preferences?: Digest }> {
  const { judgedBy, proxy } = plan;
  const judge = { stage: "judge", of: "test", ours, theirs } as const;
  const decided = await stages.fanOut(
    judgedBy !== "reward"
      ? { ...judge, by: judgedBy }
      : scores !== undefined && opponentScores !== undefined
        ? { ...judge, by: "reward", scores: { ours: scores, theirs: opponentScores } }
        : { ...judge, by: "reward", rewardModel },
    plan.pieces.test,
  );
  if (proxy !== "preferences" || judgedBy === "reward") return { verdicts: decided.digest };
  const preferences = await stages.fanOut({ ...judge, by: "reward", rewardModel }, plan.pieces.test);
  return { verdicts: decided.digest, preferences: preferences.digest };
}

/** Runs one stage for all splits side by side. */
async function each<S extends Split, T>(
  splits: readonly S[],
  run: (split: S) => Promise<T> | T,
): Promise<Of<S, T>> {
  const done = await Promise.all(splits.map(async (split) => [split, await run(split)] as const));
  return Object.fromEntries(done) as Of<S, T>;
}
