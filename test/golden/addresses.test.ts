// If an address changes, every result that was stored under it is computed again. If it must change, raise
// the stage's version in activities/versions.ts and write the new address here, in the same commit.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { StageContext } from "../../activities/attempt/context.ts";
import { stageKey } from "../../activities/address.ts";
import { STAGE_VERSION } from "../../activities/versions.ts";
import { completionSeed } from "../../campaign/recipe/seeds.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { StageName } from "../../campaign/types.ts";
import type { StageAddresses } from "../support/stage-addresses.ts";
import { stageAddresses } from "../support/stage-addresses.ts";

const OTHER = { digest: "f".repeat(64), timeoutMs: 1000, env: {} };

const VERSIONS: Record<StageName, number> = {
  sft: 5,
  reward: 5,
  generate: 4,
  score: 4,
  pair: 1,
  train: 5,
  evaluate: 7,
  promote: 4,
};

/** Asked from the stages themselves (test/support/stage-addresses.ts). */
const GOLDEN: StageAddresses = {
  "generate iteration": "ff03e54acce259986d7fa3c579b590673e502d515dd38740db77f053870fe54d",
  "generate baseline": "5545227bece34ca9fd44b4f2a6dc423e63f9052a29ddc82c82eb4cb59b3ac987",
  "generate preferences": "bde1581b423bd84b53d4c1b990e2e5c3a3a1383c5158d135a47bbb1c23bfe8a6",
  "generate opponent": "eda62a8b6bb53a789eb38af7e0f2c090cab9c1e05c7252494b47c831541dde41",
  "score by model": "e6913ca88cdad67ca0b9672b911af2329479c66636ba4328075b3327c21e9e2b",
  "score by module": "e1479e1401f5af59b39097dad391b82f1ee7f60c184a4b3076049ee527f9b844",
  "score by preference model": "825d9635d2d0aebb924db3381bf815bc80fc039811d82f96a935cc6b092db8ee",
  "pair scores": "33dd249abe4a2185684909d6d3c4b5f474afffd7ad26c9cb6e2ce86b5cf92230",
  "pair rater": "9599c5d90eff8719f5d37b3b9cda0c98bf50fe571ebcf8ec300849440da30a94",
  "pair file": "81a364eea7107ae378c23417bd9420a3731509df988a83f67d82303292677c89",
  "pair preferences": "c9463e434890dc07a0794c2d21d66048b549c506626391be45f3bdca9e6e7d61",
  "train sft": "d0cebfe2b9d66c8be3596222ed17281a2c5a967a01ccb90dfa947504fd3557ee",
  "train reward": "9afc4eed0ae272a973bf3c135210e6d791ffaed6f9925b4e5371a18f3a2897e0",
  "train preference model": "3d6c58f7b1272b78f8c44b9a957b8b47597a5978d97c05c89e71f850f4f830c9",
  "train iteration": "c61f3824bf402a1359b7022c4dc035df2a6951bc99e04c83e139841c10369291",
  "train baseline": "e5b5b2df75d1b649c856d5872936947759610f6a5f50e11e813ef6be421fd89b",
  "evaluate validation": "f6b0e84b2faf33e115ef413d2b7a696c36cc36e4a35158832f4ba38c9ca41302",
  "evaluate by gold": "29f642cc9e5ef8cd5eac0985877287c676c304d24e9fbc4154df805d2047ece2",
  "evaluate by judge": "2c28cef359484aeba5b00f957c17763d7a99bfb4cec500692b25fcdad47ce72b",
  "evaluate by preference model": "7edc2203ec9316867423b56dd2e8f4eb07efb05c6871adaa6e37e90246299c8e",
  promote: "0900f1fdff1832a7270c45b259b868c5af52b6d792338513557718b21d4efa47",
  "seal generate": "6b3da18cd1aab29adf743881edf3825151274c78e7c4b62eb896df565dec018d",
  "seal score": "6b155d1a16f15fcb9446294146e503a443d7cb546607ac5e1e5a6e2a4337a444",
  "seal evaluate": "38dfc3c9e00277d3514e787d9ef411b14bbfd16594bb47b7d9dda657449e598d",
};

const found = await stageAddresses();

it("no address changes without its version", async () => {
  assert.deepEqual([STAGE_VERSION, found], [VERSIONS, GOLDEN]);
});

const ALL = Object.keys(found);
const named = (...parts: string[]): string[] =>
  ALL.filter((name) => parts.some((part) => name.startsWith(part)));
const EVALUATIONS = named("evaluate");
const PAIRS = named("pair");
const POLICY_TRAINING = ["train iteration", "train baseline"];

/** The addresses that change with a setting; all others stay. */
type Reader = [setting: string, change: (spec: CompiledSpec) => Partial<CompiledSpec>, changed: string[]];
const READERS: Reader[] = [
  [
    "seed",
    () => ({ seed: 8 }),
    [...named("generate", "pair", "train", "evaluate", "promote"), "seal evaluate"],
  ],
  [
    "generate",
    (spec) => ({ generate: { ...spec.generate, maxTokens: 9 } }),
    ["generate iteration", "generate baseline", "generate opponent", ...EVALUATIONS],
  ],
  [
    "evaluate.samples",
    (spec) => ({ evaluate: { ...spec.evaluate, samples: 3 } }),
    ["generate opponent", ...EVALUATIONS],
  ],
  [
    "evaluate.resamples",
    (spec) => ({ evaluate: { ...spec.evaluate, resamples: 300 } }),
    ["promote", "seal evaluate"],
  ],
  ["promote.threshold", () => ({ promote: { threshold: 0.6 } }), ["promote"]],
  ["promote.by", () => ({ promote: { threshold: 0.5, by: "length-controlled" } }), ["promote"]],
  ["promote.confidence", () => ({ promote: { threshold: 0.5, confidence: 0.9 } }), ["promote"]],
  [
    "pair.lengthPenalty",
    (spec) => ({ pair: { ...spec.pair, lengthPenalty: { per: "character", weight: 0.1 } } }),
    PAIRS,
  ],
  [
    "pair.dropTruncated",
    (spec) => ({ pair: { ...spec.pair, dropTruncated: true } }),
    [...PAIRS, "score by preference model"],
  ],
  ["iterations", () => ({ iterations: 3 }), ["pair preferences"]],
  ["train.beta", (spec) => ({ train: { ...spec.train, beta: 0.2 } }), POLICY_TRAINING],
  ["train.loss", (spec) => ({ train: { ...spec.train, loss: "hinge" } }), POLICY_TRAINING],
  ["train.ldAlpha", (spec) => ({ train: { ...spec.train, ldAlpha: 0.2 } }), POLICY_TRAINING],
  ["train.lora", ({ train: { lora: _without, ...train } }) => ({ train }), POLICY_TRAINING],
  [
    "train.clip",
    (spec) => ({ train: { ...spec.train, optimizer: { ...spec.train.optimizer, clip: 2 } } }),
    POLICY_TRAINING,
  ],
  [
    "train.learningRate",
    (spec) => ({ train: { ...spec.train, optimizer: { ...spec.train.optimizer, learningRate: 1 } } }),
    ["train iteration"],
  ],
  [
    "baselines.learningRate",
    (spec) => ({ baselines: [{ ...spec.baselines[0]!, learningRate: 1 }] }),
    ["train baseline"],
  ],
  [
    "bootstrap.sft.promptMask",
    (spec) => ({ bootstrap: { ...spec.bootstrap, sft: { ...spec.bootstrap.sft!, promptMask: false } } }),
    ["train sft"],
  ],
  [
    "bootstrap.reward.centering",
    (spec) => ({ bootstrap: { ...spec.bootstrap, reward: { ...spec.bootstrap.reward!, centering: 0.2 } } }),
    ["train reward"],
  ],
  ["the judge", (spec) => ({ modules: { ...spec.modules, judge: OTHER } }), ["evaluate by judge", "promote"]],
  ["gold", (spec) => ({ modules: { ...spec.modules, gold: OTHER } }), ["evaluate by gold"]],
  ["the rater", (spec) => ({ modules: { ...spec.modules, rater: OTHER } }), ["pair rater"]],
  ["the reward module", (spec) => ({ modules: { ...spec.modules, reward: OTHER } }), ["score by module"]],
  [
    "name, shards, maxConcurrentShards, checkpoints and queues",
    (spec) => ({
      name: "x",
      pieces: { ...spec.pieces, perShard: 9, wave: 9 },
      checkpoint: { everySteps: 1, everySeconds: 1 },
      queues: { ...spec.queues, train: "gpu" },
    }),
    [],
  ],
];
for (const [setting, change, changed] of READERS) {
  it(`${setting} is in the addresses of the stages that read it, and in no other`, async () => {
    const addresses = await stageAddresses((spec) => ({ ...spec, ...change(spec) }));
    assert.deepEqual(
      ALL.filter((name) => addresses[name] !== found[name]),
      ALL.filter((name) => changed.includes(name)),
    );
  });
}

const ITERATION = { iteration: 1, take: 1 };
const keyOf = (
  { campaignId = "golden", epoch = 1 }: { campaignId?: string; epoch?: number },
  repairs = new Map<string, number>(),
): string => {
  const input = { stage: "train", place: ITERATION, epoch, campaign: { campaignId } };
  return stageKey({ input, place: "it-0001.1", repairs } as unknown as StageContext, { a: 1 });
};

it("the campaign's id and epoch are in no address", () => {
  const [one, two] = [keyOf({ campaignId: "one", epoch: 1 }), keyOf({ campaignId: "two", epoch: 9 })];
  assert.equal(one.replace("/one/", "/two/"), two);
});

it("a result that a repair has set aside is computed again beside it, at the same address", () => {
  const whole = keyOf({});
  assert.equal(keyOf({}, new Map([[whole, 2]])), whole.replace(".json", "~2.json"));
});

it("the seed of a completion never changes", () => {
  assert.equal(completionSeed(7, "it-0003.1", "online-00001", 2), "128d199ec01399f1");
});
