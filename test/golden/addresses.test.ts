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

const VERSIONS: Record<StageName, number> = { sft: 3, reward: 2, generate: 3, score: 3, pair: 1, train: 3, evaluate: 4, promote: 2 };

/** By what each stage really takes and reads (test/support/stage-addresses.ts). */
const GOLDEN: StageAddresses = {
  "generate iteration": "1628b57cea0bb85254d22430906b381ba853b2a272a9c6899e3a0222ebee2cd6",
  "generate baseline": "72f96a4ffffde4f78070ed25742b0b6e57f9554febc900fcbea70dcbc3a38709",
  "generate preferences": "7e230756000c27da1a572b79768d7ae4fed21d4236cc74341c06e0316641095c",
  "generate opponent": "b1adc46d610bf2a14d07b6294b303e977ab808c078d54dea6f489e7032260613",
  "score by model": "592da498e09d4e7ea4c7e763d13ad6bb485f82a6dc98eb7eab65dcb740c9c196",
  "score by module": "e16f689a1c8ce691e17e6375e386fad5117612838d4993a7058a31c75564df37",
  "score by preference model": "d9df8212b544ee10bf24723e14e3e78fd66edc7ca9753f49b87cfc2928e2891c",
  "pair scores": "33dd249abe4a2185684909d6d3c4b5f474afffd7ad26c9cb6e2ce86b5cf92230",
  "pair rater": "9599c5d90eff8719f5d37b3b9cda0c98bf50fe571ebcf8ec300849440da30a94",
  "pair file": "81a364eea7107ae378c23417bd9420a3731509df988a83f67d82303292677c89",
  "pair preferences": "c9463e434890dc07a0794c2d21d66048b549c506626391be45f3bdca9e6e7d61",
  "train sft": "fe236363ca903f810a2a8526b8098ee5b385922bb71d114bfa27932dafb4880f",
  "train reward": "508d9c1a18d88ca9ba2c22f8c2999b390b83eb0855c8179501d4ae2b591bbc15",
  "train preference model": "5a85e233c52d8093dec6889dc25d99a453e9e76646a55df8b1cb6f94c0463eb8",
  "train iteration": "18c2f524fc623a8709db7c2c2a82164c9ca8fc34e645bd819f2e2f914e0d0fe0",
  "train baseline": "f3d807dac24e6939b96b39176859a3202f33003b7f4596048cbe94b8aa0c8f0a",
  "evaluate validation": "38387d0aeba2af0995e6903b705a71cab6f28e88d4bd34df3c3fb677cde802db",
  "evaluate by gold": "62bcf85407ff0478ac15a31fff4f938c6489317db33f6e38aed23e1dae15eee1",
  "evaluate by judge": "5e348e4b59b44eff3263d19333a53305a5442b6444a07f9e7862d9331bc794e7",
  "evaluate by preference model": "2ac78a5183949458eafc0d45a3248d480c384ea119e69f9c56b289933dadd4de",
  promote: "dbd95d6b9b6edfde846e4043f4569d334cc289b1430aa1d36bebd1aff7bfd294",
  "seal generate": "14d7db6773f705a23ba0f098725f7515ae63b9a6df5d2f24646c2f67e15bfcfa",
  "seal score": "48b8edee450cc66b87d1c15b98b2ad9a301feacbb070501a1d3da28b3defdc4b",
  "seal evaluate": "6caaebdd885803553243d6097cf3b448ea043d3195b5bf044764f14425ebdd58",
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
