// One take of one iteration: the recipe, in the order of the paper (arXiv 2405.07863, Algorithm 2).
import type { Decision, Digest, IterationStart, PlaceInput, StageDigests } from "../campaign/types.ts";
import { measure } from "./measure.ts";
import type { Promoted, PromoteInput } from "../activities/contract.ts";
import type { Finished, Recipe } from "./recipe.ts";
import { Stages } from "./stages.ts";

export interface IterationInput extends PlaceInput, IterationStart {}

export interface IterationOutcome {
  policy: Digest;
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
  const { rewardModel, policy: initial } = bootstrap;
  const reference = plan.reference === "initial" ? initial : latest.policy;
  const { pieces } = plan;

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
  const pair = await stages.pair(
    label
      ? { stage: "pair", from: "labels", source: label.digest }
      : { stage: "pair", from: "scores", source: score?.digest },
  );
  const train = await stages.train({ stage: "train", start: latest.policy, reference, pairs: pair.digest });

  const { validation, test } = await measure(stages, plan, bootstrap, train.policy, ["validation", "test"]);
  const promote = await decide(stages, input, train.policy, validation.answers);

  return {
    policy: train.policy,
    decision: promote.decision,
    stages: {
      generate: generate.digest,
      score: score?.digest,
      label: label?.digest,
      audit: audit?.digest,
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
