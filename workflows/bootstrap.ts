// Iteration 0. SFT makes π_0. Labelled answers of π_0, or a file of pairs, train the reward model or the
// preference model. A second sample of π_0 on the test split gives the reference answers that every later
// policy is compared with.
import type { Bootstrap, Digest, PlaceInput, StageDigests } from "../campaign/types.ts";
import type { Recipe } from "./recipe.ts";
import { Stages } from "./stages.ts";

export interface BootstrapInput extends PlaceInput {
  /** Tree digest of the policy that the author gave. */
  given: Digest;
}

export interface BootstrapOutcome {
  bootstrap: Bootstrap;
  stages: StageDigests;
}

/** The workflow. */
export async function bootstrap(input: BootstrapInput): Promise<BootstrapOutcome> {
  return prepare(new Stages(input), input);
}

export async function prepare(stages: Recipe, input: BootstrapInput): Promise<BootstrapOutcome> {
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
    Object.assign(digests, await preferences(stages, input, policy));
    if (plan.reward) {
      const reward = await stages.train({ stage: "reward", start: policy, pairs: digests.pair });
      digests.reward = reward.digest;
      rewardModel = reward.policy;
    }
  }

  const evaluate = { stage: "evaluate", policy, initial: policy, rewardModel } as const;
  const measure = async () => {
    const opponent = await stages.fanOut({ stage: "generate", source: "opponent", policy }, plan.pieces.test);
    const test = await stages.fanOut(
      { ...evaluate, split: "test", opponent: opponent.digest },
      plan.pieces.test,
    );
    return { opponent: opponent.digest, test: test.digest };
  };
  const [{ opponent, test }, validation] = await Promise.all([
    measure(),
    stages.fanOut({ ...evaluate, split: "validation" }, plan.pieces.validation),
  ]);

  return {
    bootstrap: { policy, rewardModel, preferences: digests.pair, opponent },
    stages: { ...digests, validation: validation.digest, test },
  };
}

/** Pairs to learn a reward from: labels on answers of π_0, or the author's file. */
async function preferences(stages: Recipe, { plan }: BootstrapInput, policy: Digest): Promise<StageDigests> {
  if (plan.preferences === "file") {
    const pair = await stages.pair({ stage: "pair", from: "file" });
    return { pair: pair.digest };
  }
  const generate = await stages.fanOut(
    { stage: "generate", source: "preferences", policy },
    plan.pieces.preferences,
  );
  const pair = await stages.pair({ stage: "pair", from: "rater", source: generate.digest });
  return { generate: generate.digest, pair: pair.digest };
}
