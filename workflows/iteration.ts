// One take of one iteration: the recipe, in the order of the paper (arXiv 2405.07863, Algorithm 2).
import type { Bootstrap, Decision, Digest, PlaceInput, Pointer, StageDigests } from "../campaign/types.ts";
import type { Recipe } from "./recipe.ts";
import { Stages } from "./stages.ts";

export interface IterationInput extends PlaceInput {
  bootstrap: Bootstrap;
  /** The newest finished iteration: always the warm start. */
  latest: Pointer;
  promoted: Pointer;
}

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
  const { plan, bootstrap, latest, promoted } = input;
  const { opponent, rewardModel, policy: initial } = bootstrap;
  const reference = plan.reference === "initial" ? initial : latest.policy;
  const { pieces } = plan;

  const generate = await stages.fanOut(
    { stage: "generate", source: "iteration", policy: latest.policy },
    pieces.iteration,
  );
  const score = await stages.fanOut(
    { stage: "score", completions: generate.digest, rewardModel },
    pieces.iteration,
  );
  const pair = await stages.pair({ stage: "pair", from: "scores", source: score.digest });
  const train = await stages.train({ stage: "train", start: latest.policy, reference, pairs: pair.digest });

  const evaluate = { stage: "evaluate", policy: train.policy, initial, rewardModel } as const;
  const decide = async () => {
    const validation = await stages.fanOut({ ...evaluate, split: "validation" }, pieces.validation);
    const promote = await stages.promote({
      stage: "promote",
      candidate: train.policy,
      candidateAnswers: validation.digest,
      incumbent: promoted.policy,
      incumbentAnswers: promoted.validation,
    });
    return { validation, promote };
  };
  // The decision reads the validation split only, so the test split, which is only reported, is measured
  // beside it.
  const [{ validation, promote }, test] = await Promise.all([
    decide(),
    stages.fanOut({ ...evaluate, split: "test", opponent }, pieces.test),
  ]);

  return {
    policy: train.policy,
    decision: promote.decision,
    stages: {
      generate: generate.digest,
      score: score.digest,
      pair: pair.digest,
      train: train.digest,
      validation: validation.digest,
      test: test.digest,
      promote: promote.digest,
    },
  };
}
