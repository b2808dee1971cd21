// Iteration 0: SFT gives π_0, labelled answers of π_0 (or a file of pairs) give the reward model or the preference model, and π_0's second
// sample on the test split becomes the opponent that every later policy is compared with.
import { patched } from "@temporalio/workflow";
import type { Bootstrap, Digest, PlaceInput, StageDigests } from "../campaign/types.ts";
import { EVALUATIONS_SIDE_BY_SIDE } from "./patches.ts";
import { Stages } from "./stages.ts";

export interface BootstrapInput extends PlaceInput {
  /** Tree digest of the policy that the author gave. */
  given: Digest;
}

export interface BootstrapOutcome {
  bootstrap: Bootstrap;
  stages: StageDigests;
}

export async function bootstrap(input: BootstrapInput): Promise<BootstrapOutcome> {
  const stages = new Stages(input);
  const { plan, given } = input;
  const digests: StageDigests = {};

  let policy = given;
  if (plan.sft) {
    const sft = await stages.train({ stage: "sft", start: given });
    digests.sft = sft.digest;
    policy = sft.policy;
  }

  let rewardModel: Digest | undefined;
  if (plan.preferences !== "none") {
    let source: Digest | undefined;
    if (plan.preferences === "sample") {
      const generate = await stages.fanOut(
        { stage: "generate", source: "preferences", policy },
        plan.pieces.preferences,
      );
      digests.generate = source = generate.digest;
    }
    const pair = await stages.pair({
      stage: "pair",
      from: plan.preferences === "sample" ? "rater" : "file",
      source,
    });
    digests.pair = pair.digest;
    if (plan.reward) {
      const reward = await stages.train({ stage: "reward", start: policy, pairs: pair.digest });
      digests.reward = reward.digest;
      rewardModel = reward.policy;
    }
  }

  const evaluate = { stage: "evaluate", policy, initial: policy, rewardModel } as const;
  const sideBySide = patched(EVALUATIONS_SIDE_BY_SIDE);
  const answering = stages.fanOut({ stage: "generate", source: "opponent", policy }, plan.pieces.test);
  const validating = (sideBySide ? Promise.resolve() : answering).then(() =>
    stages.fanOut({ ...evaluate, split: "validation" }, plan.pieces.validation),
  );
  const testing = Promise.all([answering, sideBySide ? undefined : validating]).then(([opponent]) =>
    stages.fanOut({ ...evaluate, split: "test", opponent: opponent.digest }, plan.pieces.test),
  );
  const [opponent, validation, test] = await Promise.all([answering, validating, testing]);
  digests.validation = validation.digest;
  digests.test = test.digest;

  return {
    bootstrap: { policy, rewardModel, preferences: digests.pair, opponent: opponent.digest },
    stages: digests,
  };
}
