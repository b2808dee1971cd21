// An offline control: one DPO run from π_0. `labels` and `preferences` train on the bootstrap's pairs, which
// trained the reward model; `initial-policy` on best against worst of n answers of π_0 to all iterations'
// prompts.
import type { BaselinePlan, Bootstrap, Digest, PlaceInput, StageDigests } from "../campaign/types.ts";
import { measure } from "./measure.ts";
import type { Recipe } from "./recipe.ts";
import { Stages } from "./stages.ts";

export interface BaselineInput extends PlaceInput {
  baseline: BaselinePlan;
  bootstrap: Bootstrap;
}

export interface BaselineOutcome {
  policy: Digest;
  stages: StageDigests;
}

/** The workflow. */
export async function baseline(input: BaselineInput): Promise<BaselineOutcome> {
  return trainOffline(new Stages(input), input);
}

export async function trainOffline(stages: Recipe, input: BaselineInput): Promise<BaselineOutcome> {
  const { plan, baseline: variant, bootstrap } = input;
  const { policy: initial, rewardModel } = bootstrap;
  const digests: StageDigests = {};

  if (variant.pairs !== "initial-policy") {
    const { pairs } = variant;
    const pair = await stages.pair({ stage: "pair", from: pairs, source: bootstrap[pairs] });
    digests.pair = pair.digest;
  } else {
    const generate = await stages.fanOut(
      { stage: "generate", source: "baseline", policy: initial },
      plan.pieces.baseline,
    );
    const score = await stages.fanOut(
      { stage: "score", of: "baseline", completions: generate.digest, rewardModel },
      plan.pieces.baseline,
    );
    const pair = await stages.pair({ stage: "pair", from: "scores", source: score.digest });
    Object.assign(digests, { generate: generate.digest, score: score.digest, pair: pair.digest });
  }
  const train = await stages.train({
    stage: "train",
    start: initial,
    reference: initial,
    pairs: digests.pair,
  });

  const { test } = await measure(stages, plan, bootstrap, train.policy, ["test"]);
  return { policy: train.policy, stages: { ...digests, train: train.digest, test: test.metrics } };
}
