// An offline control arm: one DPO run from π_0 with the same number of pairs and steps as all iterations together.
// `preferences` trains on the pairs that trained the reward model; `initial-policy` on max-min of n from π_0 over all iterations' prompts.
import type { BaselinePlan, Bootstrap, Digest, PlaceInput, StageDigests } from "../campaign/types.ts";
import { Stages } from "./stages.ts";

export interface BaselineInput extends PlaceInput {
  baseline: BaselinePlan;
  bootstrap: Bootstrap;
}

export interface BaselineOutcome {
  policy: Digest;
  stages: StageDigests;
}

export async function baseline(input: BaselineInput): Promise<BaselineOutcome> {
  const stages = new Stages(input);
  const { plan, baseline: arm, bootstrap } = input;
  const { policy: initial, rewardModel, opponent, preferences } = bootstrap;
  const digests: StageDigests = {};

  if (arm.pairs === "preferences") {
    digests.pair = (await stages.pair({ stage: "pair", from: "preferences", source: preferences })).digest;
  } else {
    digests.generate = (
      await stages.fanOut({ stage: "generate", source: "baseline", policy: initial }, plan.pieces.baseline)
    ).digest;
    digests.score = (
      await stages.fanOut(
        { stage: "score", completions: digests.generate, rewardModel },
        plan.pieces.baseline,
      )
    ).digest;
    digests.pair = (await stages.pair({ stage: "pair", from: "scores", source: digests.score })).digest;
  }
  const train = await stages.train({
    stage: "train",
    start: initial,
    reference: initial,
    pairs: digests.pair,
  });
  digests.train = train.digest;

  const evaluate = { stage: "evaluate", policy: train.policy, initial, rewardModel } as const;
  digests.test = (await stages.fanOut({ ...evaluate, split: "test", opponent }, plan.pieces.test)).digest;
  return { policy: train.policy, stages: digests };
}
