// One take of one iteration: the recipe, in the order of the paper (arXiv 2405.07863, Algorithm 2).
import type { Decision, Digest, IterationStart, PlaceInput, StageDigests } from "../campaign/types.ts";
import { measure } from "./measure.ts";
import type { Promoted, PromoteInput } from "../activities/contract.ts";
import type { Finished, Recipe } from "./recipe.ts";
import { Stages } from "./stages.ts";

export interface IterationInput extends PlaceInput, IterationStart {}

export interface IterationOutcome {
  policy: Digest;
  /** Of an iteration that trained the reward model on; the next one starts from them. */
  rewardModel?: Digest;
  replay?: Digest;
  stages: StageDigests;
  decision: Decision;
}

/** The workflow. */
export async function iteration(input: IterationInput): Promise<IterationOutcome> {
  return iterate(new Stages(input), input);
}

// oxlint-disable-next-line max-lines-per-function -- one story: Algorithm 2 from top to bottom
export async function iterate(stages: Recipe, input: IterationInput): Promise<IterationOutcome> {
  const { plan, bootstrap, latest } = input;
  const { policy: initial } = bootstrap;
  const { rewardModel = bootstrap.rewardModel, replay = bootstrap.preferences } = latest;
  const reference = plan.reference === "initial" ? initial : latest.policy;
  const { pieces } = plan;

  /** Trains the newest reward model on with the new labels and a replay of old ones. */
  const refitOn = async (source: Digest) => {
    const pairs = await stages.pair({ stage: "pair", from: "replay", source, replay });
    const { digest, policy } = await stages.train({
      stage: "refit",
      start: rewardModel ?? "",
      pairs: pairs.digest,
    });
    return { digest, rewardModel: policy, replay: pairs.digest };
  };

  const generate = await stages.fanOut(
    { stage: "generate", source: "iteration", policy: latest.policy },
    pieces.iteration,
  );
  const score =
    plan.proxy === "none"
      ? undefined
      : await stages.fanOut(
          { stage: "score", of: "iteration", completions: generate.digest, rewardModel },
          pieces.iteration,
        );
  const label = plan.labels
    ? await stages.label({
        stage: "label",
        by: plan.labels.by,
        answers: generate.digest,
        scores: score?.digest,
      })
    : undefined;
  const audit =
    label && score && plan.labels?.audit
      ? await stages.audit({ stage: "audit", seal: label.digest, scores: score.digest })
      : undefined;
  const refit = label && plan.labels?.refit ? await refitOn(label.digest) : undefined;
  const rescore =
    refit && plan.labels?.refit === "scores"
      ? await stages.fanOut(
          {
            stage: "score",
            of: "iteration",
            by: "refitted",
            completions: generate.digest,
            rewardModel: refit.rewardModel,
          },
          pieces.iteration,
        )
      : undefined;
  const pair = await stages.pair(
    label && !rescore
      ? { stage: "pair", from: "labels", source: label.digest }
      : { stage: "pair", from: "scores", source: (rescore ?? score)?.digest },
  );
  const train = await stages.train({ stage: "train", start: latest.policy, reference, pairs: pair.digest });

  const { validation, test } = await measure(
    stages,
    plan,
    { ...bootstrap, refitted: refit?.rewardModel },
    train.policy,
    ["validation", "test"],
  );
  const promote = await decide(stages, input, train.policy, validation.answers);

  return {
    policy: train.policy,
    ...(refit ? { rewardModel: refit.rewardModel, replay: refit.replay } : {}),
    decision: promote.decision,
    stages: {
      generate: generate.digest,
      score: score?.digest,
      label: label?.digest,
      audit: audit?.digest,
      replay: refit?.replay,
      refit: refit?.digest,
      rescore: rescore?.digest,
      pair: pair.digest,
      train: train.digest,
      answer: validation.answers,
      validation: validation.metrics,
      test: test.metrics,
      promote: promote.digest,
    },
  };
}

/** Compares the new policy with the promoted one, and decides. Earlier promoted ones are only reported. */
async function decide(
  stages: Recipe,
  { plan, promoted, earlier }: IterationInput,
  candidate: Digest,
  answers: Digest,
): Promise<Finished<Promoted>> {
  const judge = async (theirs: Digest): Promise<Digest> => {
    const comparison = { stage: "judge", of: "validation", by: "judge", ours: answers, theirs } as const;
    return (await stages.fanOut(comparison, plan.pieces.validation)).digest;
  };
  const decision = { stage: "promote", candidate, incumbent: promoted.policy } as const;
  if (!plan.judge) return stages.promote(decision);
  const verdicts = await judge(promoted.answers);
  const also: NonNullable<PromoteInput["also"]> = [];
  for (const { iteration, policy, answers: theirs } of earlier.slice(0, plan.alsoAgainst))
    also.push({ iteration, policy, verdicts: await judge(theirs) });
  return stages.promote({ ...decision, verdicts, also: also.length > 0 ? also : undefined });
}
