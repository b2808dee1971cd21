// Iteration 0. SFT makes π_0. Labels on answers of π_0, or a file of pairs, train the reward model or the
// preference model; labels that it never saw say how often it is right. A second sample of π_0 on the test
// split gives the reference answers that every later policy is compared with.
import type { Bootstrap, Digest, PlaceInput, StageDigests } from "../campaign/types.ts";
import { measure } from "./measure.ts";
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

  if (plan.preferences !== "none") Object.assign(digests, await preferences(stages, input, policy));
  let rewardModel: Digest | undefined;
  if (plan.reward) {
    const reward = await stages.train({ stage: "reward", start: policy, pairs: digests.pair });
    digests.reward = reward.digest;
    rewardModel = reward.policy;
  }
  if (plan.bootstrapLabels?.audit) Object.assign(digests, await audit(stages, input, digests, rewardModel));

  const bootstrap: Bootstrap = {
    policy,
    rewardModel,
    labels: digests.label,
    preferences: digests.pair,
    ...(await referenceAnswers(stages, input, policy, rewardModel)),
  };
  const measured = await measure(stages, plan, bootstrap, policy, ["validation", "test"]);
  return {
    bootstrap,
    stages: {
      ...digests,
      answer: measured.validation.answers,
      validation: measured.validation.metrics,
      test: measured.test.metrics,
    },
  };
}

/** A second sample of π_0; its rewards too, if rewards decide who wins against it. */
async function referenceAnswers(
  stages: Recipe,
  { plan }: BootstrapInput,
  policy: Digest,
  rewardModel: Digest | undefined,
): Promise<Pick<Bootstrap, "opponent" | "opponentScores">> {
  const { test } = plan.pieces;
  const { digest: opponent } = await stages.fanOut({ stage: "answer", of: "opponent", policy }, test);
  if (plan.judgedBy !== "reward" || plan.proxy !== "rewards") return { opponent };
  const score = await stages.fanOut(
    { stage: "score", of: "opponent", completions: opponent, rewardModel },
    test,
  );
  return { opponent, opponentScores: score.digest };
}

/** Pairs to learn a reward from: labels on answers of π_0, or the author's file. */
async function preferences(stages: Recipe, { plan }: BootstrapInput, policy: Digest): Promise<StageDigests> {
  if (!plan.bootstrapLabels) {
    const pair = await stages.pair({ stage: "pair", from: "file" });
    return { pair: pair.digest };
  }
  const { by } = plan.bootstrapLabels;
  const generate = await stages.fanOut(
    { stage: "generate", source: "bootstrap", policy },
    plan.pieces.bootstrap,
  );
  const label = await stages.label({ stage: "label", by, answers: generate.digest });
  const pair = await stages.pair({ stage: "pair", from: "labels", source: label.digest });
  return { generate: generate.digest, label: label.digest, pair: pair.digest };
}

/** Scores only the answers that the audit part compares. */
async function audit(
  stages: Recipe,
  { plan }: BootstrapInput,
  { generate = "", label = "" }: StageDigests,
  rewardModel: Digest | undefined,
): Promise<StageDigests> {
  const score = await stages.fanOut(
    { stage: "score", of: "audit", completions: generate, seal: label, rewardModel },
    plan.pieces.audit,
  );
  const made = await stages.audit({ stage: "audit", seal: label, scores: score.digest });
  return { score: score.digest, audit: made.digest };
}
