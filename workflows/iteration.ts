// One take of one iteration: the recipe, in the order of the paper (arXiv 2405.07863, Algorithm 2).
import { patched } from "@temporalio/workflow";
import type { Bootstrap, Decision, Digest, PlaceInput, Pointer, StageDigests } from "../campaign/types.ts";
import { EVALUATIONS_SIDE_BY_SIDE } from "./patches.ts";
import { Stages } from "./stages.ts";

export interface IterationInput extends PlaceInput {
  bootstrap: Bootstrap;
  /** Warm start, always. */
  latest: Pointer;
  promoted: Pointer;
}

export interface IterationOutcome {
  policy: Digest;
  stages: StageDigests;
  decision: Decision;
}

export async function iteration(input: IterationInput): Promise<IterationOutcome> {
  const stages = new Stages(input);
  const { plan, bootstrap, latest, promoted } = input;
  const { opponent, rewardModel, policy: initial } = bootstrap;
  const reference = plan.reference === "initial" ? initial : latest.policy;

  const generate = await stages.fanOut(
    { stage: "generate", source: "iteration", policy: latest.policy },
    plan.pieces.iteration,
  );
  const score = await stages.fanOut(
    { stage: "score", completions: generate.digest, rewardModel },
    plan.pieces.iteration,
  );
  const pair = await stages.pair({ stage: "pair", from: "scores", source: score.digest });
  const train = await stages.train({ stage: "train", start: latest.policy, reference, pairs: pair.digest });

  const evaluate = { stage: "evaluate", policy: train.policy, initial, rewardModel } as const;
  // The decision needs the validation split alone; what is only reported is measured beside it.
  const sideBySide = patched(EVALUATIONS_SIDE_BY_SIDE);
  const validating = stages.fanOut({ ...evaluate, split: "validation" }, plan.pieces.validation);
  const testing = (sideBySide ? Promise.resolve() : validating).then(() =>
    stages.fanOut({ ...evaluate, split: "test", opponent }, plan.pieces.test),
  );
  const promoting = Promise.all([validating, sideBySide ? undefined : testing]).then(([validation]) =>
    stages.promote({
      stage: "promote",
      candidate: train.policy,
      candidateAnswers: validation.digest,
      incumbent: promoted.policy,
      incumbentAnswers: promoted.validation,
    }),
  );
  const [validation, test, promote] = await Promise.all([validating, testing, promoting]);

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
