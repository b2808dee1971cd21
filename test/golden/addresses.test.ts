// An address that moves orphans every result that was stored under it. When one must move, raise the stage's version in
// activities/versions.ts and write the new address here, in the same commit.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { StageContext } from "../../activities/context.ts";
import { stageKey } from "../../activities/pieces.ts";
import { STAGE_VERSION } from "../../activities/versions.ts";
import { completionSeed } from "../../campaign/recipe/seeds.ts";
import type { CompiledSpec } from "../../campaign/compiled.ts";
import type { StageName } from "../../campaign/types.ts";
import type { StageAddresses } from "../support/stage-addresses.ts";
import { stageAddresses } from "../support/stage-addresses.ts";

const OTHER = { digest: "f".repeat(64), timeoutMs: 1000, env: {} };

const VERSIONS: Record<StageName, number> = { sft: 3, reward: 3, generate: 3, score: 3, pair: 1, train: 3, evaluate: 4, promote: 2 };

/** By what each stage really takes and reads (test/support/stage-addresses.ts). */
const GOLDEN: StageAddresses = {
  "generate iteration": "5ae4b45cde1957f58bb7830299d334e31baa50ec732b18bf8b07d8eda276ad29",
  "generate baseline": "3c54d2e5a84bbb155a6be36454e53570011b427021b6986cc691bf97e8e138e4",
  "generate preferences": "41558203aac1b5d019af3dedb200249e5a945c9c452a11151ec341df11b8b0c3",
  "generate opponent": "d5524d0f28977ff6d3a9a5bb7bafeac6051ba4a4661e621314797e80f601e51b",
  "score by model": "e4a98b7ff84303d86f26b610af6d502a3eae153229b9b3ecbe6e6b03bf879f7a",
  "score by module": "0230434fd89a8d350f079eee5477d7dd0752102f909a59394c78296deab81912",
  "score by preference model": "b46d8c03c55ae68044c51e1bcad6055cee47b68758dd2a1261dac2da5b640c1d",
  "pair scores": "33dd249abe4a2185684909d6d3c4b5f474afffd7ad26c9cb6e2ce86b5cf92230",
  "pair rater": "9599c5d90eff8719f5d37b3b9cda0c98bf50fe571ebcf8ec300849440da30a94",
  "pair file": "81a364eea7107ae378c23417bd9420a3731509df988a83f67d82303292677c89",
  "pair preferences": "c9463e434890dc07a0794c2d21d66048b549c506626391be45f3bdca9e6e7d61",
  "train sft": "eef0def12d98ec96884a70bbeb7af515567393783618a04c7d8442355455d2f8",
  "train reward": "13c22bfe5aa47f78e9fc1099a912a82b73ac407c8ef87c686d80690d73afdd36",
  "train preference model": "cb7547ed52cc2278d234f85b4847537cf9bbab7e22b652d669204ff46c0bbf18",
  "train iteration": "e59575e27281537d07eb0cab54d2939c94e8194d60dd9425bf2a3913c38c37d1",
  "train baseline": "c5cdecf4c16879058dfcfb21d50952e5542276739c1113297871ecdd686a9af0",
  "evaluate validation": "1ceee05db2095c087fe992e03c33488e96cd25bee17d86374a1d0bca50c63262",
  "evaluate by gold": "f6078cdcb6617c02e78c9768d23ff3f61e285c219c5e90d267be1a9d9e29b707",
  "evaluate by judge": "93aac87c5f7b0fefcd1a2f3c97b2ae363fe7082f6ad52fb9cb98da3b1e0058e9",
  "evaluate by preference model": "1a85a5aa68c8bfb6dcdf1b03a564634829fe557d877c20fcdf073deb148e4f3f",
  promote: "dbd95d6b9b6edfde846e4043f4569d334cc289b1430aa1d36bebd1aff7bfd294",
  "seal generate": "f7b871b33dcb5ef8ec8f8978cd15a093cf007a0a835e30214ca82c62bc754919",
  "seal score": "3033ac92d2ac001bd19b21ba86362854c2577015229da0780cb75565d0e6e312",
  "seal evaluate": "31265c4849d9190a9be2f307c5f952b9d19daf662d2c35341001001b5207142c",
};

const found = await stageAddresses();

it("no address has moved without a version", async () => {
  assert.deepEqual([STAGE_VERSION, found], [VERSIONS, GOLDEN]);
});

const ALL = Object.keys(found);
const named = (...parts: string[]): string[] => ALL.filter((name) => parts.some((part) => name.startsWith(part)));
const EVALUATIONS = named("evaluate");
const PAIRS = named("pair");
const POLICY_TRAINING = ["train iteration", "train baseline"];

/** What moves when one setting changes; all that is not named here stays. */
const READERS: [setting: string, change: (spec: CompiledSpec) => CompiledSpec, moved: string[]][] = [
  ["seed", (spec) => ({ ...spec, seed: 8 }), [...named("generate", "pair", "train", "evaluate", "promote"), "seal evaluate"]],
  ["generate", (spec) => ({ ...spec, generate: { ...spec.generate, maxTokens: 9 } }), ["generate iteration", "generate baseline", "generate opponent", ...EVALUATIONS]],
  ["evaluate.samples", (spec) => ({ ...spec, evaluate: { ...spec.evaluate, samples: 3 } }), ["generate opponent", ...EVALUATIONS]],
  ["evaluate.resamples", (spec) => ({ ...spec, evaluate: { ...spec.evaluate, resamples: 300 } }), ["promote", "seal evaluate"]],
  ["promote.threshold", (spec) => ({ ...spec, promote: { threshold: 0.6 } }), ["promote"]],
  ["pair.lengthPenalty", (spec) => ({ ...spec, pair: { ...spec.pair, lengthPenalty: { per: "character", weight: 0.1 } } }), PAIRS],
  ["pair.dropTruncated", (spec) => ({ ...spec, pair: { ...spec.pair, dropTruncated: true } }), [...PAIRS, "score by preference model"]],
  ["iterations", (spec) => ({ ...spec, iterations: 3 }), ["pair preferences"]],
  ["train.beta", (spec) => ({ ...spec, train: { ...spec.train, beta: 0.2 } }), POLICY_TRAINING],
  ["train.loss", (spec) => ({ ...spec, train: { ...spec.train, loss: "hinge" } }), POLICY_TRAINING],
  ["train.ldAlpha", (spec) => ({ ...spec, train: { ...spec.train, ldAlpha: 0.2 } }), POLICY_TRAINING],
  ["train.lora", ({ train: { lora: _without, ...train }, ...spec }) => ({ ...spec, train }), POLICY_TRAINING],
  ["train.clip", (spec) => ({ ...spec, train: { ...spec.train, optimizer: { ...spec.train.optimizer, clip: 2 } } }), POLICY_TRAINING],
  ["train.learningRate", (spec) => ({ ...spec, train: { ...spec.train, optimizer: { ...spec.train.optimizer, learningRate: 1 } } }), ["train iteration"]],
  ["baselines.learningRate", (spec) => ({ ...spec, baselines: [{ ...spec.baselines[0]!, learningRate: 1 }] }), ["train baseline"]],
  ["bootstrap.sft.promptMask", (spec) => ({ ...spec, bootstrap: { ...spec.bootstrap, sft: { ...spec.bootstrap.sft!, promptMask: false } } }), ["train sft"]],
  ["bootstrap.reward.centering", (spec) => ({ ...spec, bootstrap: { ...spec.bootstrap, reward: { ...spec.bootstrap.reward!, centering: 0.2 } } }), ["train reward"]],
  ["the judge", (spec) => ({ ...spec, modules: { ...spec.modules, judge: OTHER } }), ["evaluate by judge", "promote"]],
  ["gold", (spec) => ({ ...spec, modules: { ...spec.modules, gold: OTHER } }), ["evaluate by gold"]],
  ["the rater", (spec) => ({ ...spec, modules: { ...spec.modules, rater: OTHER } }), ["pair rater"]],
  ["the reward module", (spec) => ({ ...spec, modules: { ...spec.modules, reward: OTHER } }), ["score by module"]],
  ["name, shards, waves, checkpoints and queues", (spec) => ({ ...spec, name: "x", pieces: { ...spec.pieces, perShard: 9, wave: 9 }, checkpoint: { everySteps: 1, everySeconds: 1 }, queues: { ...spec.queues, train: "gpu" } }), []],
];
for (const [setting, change, moved] of READERS) {
  it(`${setting} is in the addresses of what reads it, and of nothing else`, async () => {
    const addresses = await stageAddresses(change);
    assert.deepEqual(ALL.filter((name) => addresses[name] !== found[name]), ALL.filter((name) => moved.includes(name)));
  });
}

it("the campaign's id and epoch stay out of every address", () => {
  const key = (campaignId: string, epoch: number) =>
    stageKey({ input: { stage: "train", place: { iteration: 1, take: 1 }, epoch, campaign: { campaignId } }, place: "it-0001.1", repairs: new Map() } as unknown as StageContext, { a: 1 });
  assert.equal(key("one", 1).replace("/one/", "/two/"), key("two", 9));
});

it("what a repair has set aside is made again beside it, at the same address", () => {
  const context = { input: { stage: "train", place: { iteration: 1, take: 1 }, campaign: { campaignId: "golden" } }, place: "it-0001.1" };
  const key = (repairs: Map<string, number>) => stageKey({ ...context, repairs } as unknown as StageContext, { a: 1 });
  const whole = key(new Map());
  assert.equal(key(new Map([[whole, 2]])), whole.replace(".json", "~2.json"));
});

it("the seed of a completion has not moved", () => {
  assert.equal(completionSeed(7, "it-0003.1", "online-00001", 2), "128d199ec01399f1");
});
