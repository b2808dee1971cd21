// If an address changes, every result that was stored under it is computed again. If it must change, raise
// the stage's version in activities/versions.ts and write the new address here, in the same commit.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { StageContext } from "../../activities/attempt/context.ts";
import { stageKey } from "../../activities/address.ts";
import { OPTIMIZER } from "../../activities/attempt/stage-context.test.support.ts";
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
  score: 5,
  label: 1,
  audit: 1,
  refit: 1,
  pair: 2,
  train: 5,
  answer: 1,
  reference: 1,
  judge: 1,
  evaluate: 7,
  promote: 4,
};

/** Asked from the stages themselves (test/support/stage-addresses.ts). */
const GOLDEN: StageAddresses = {
  "generate iteration": "ff03e54acce259986d7fa3c579b590673e502d515dd38740db77f053870fe54d",
  "generate baseline": "5545227bece34ca9fd44b4f2a6dc423e63f9052a29ddc82c82eb4cb59b3ac987",
  "generate bootstrap": "bde1581b423bd84b53d4c1b990e2e5c3a3a1383c5158d135a47bbb1c23bfe8a6",
  "answer opponent": "0914e51e3175b28152b81a69db5d297783b3af1996c05da516047254fc22dbf3",
  "answer validation": "dd30598fe28fc31b41b30c1d8028b2a4fb12cab1dfa3762e7f5539e4889b4efb",
  "answer test": "5fdf8819e1845b5e17a0303e731d1bb1c3227543ae1378ccf99ac343246af203",
  "score by model": "7209711a8687cc15dda97f198088e71dc558d2d7f276a306d420fbff7dff50e0",
  "score by module": "697ae0851978eee16a3c56e2ebab7bbf1437dce2955ee195ba77478749fd79e2",
  "score by preference model": "a5ee44ec4205a099f1a36b326109732fb2412e512e3637606a5180ff8ec8fd09",
  "pair scores": "c088dbcba8f5f8c809978d92b4204c35a7b587521cceabc14e38992575333e9f",
  "score audit": "d320dcc87a14241ca03c9cf096f5d8b714cf3ef1f5b6f3e47de9359c74812016",
  label: "8957bce38e055cb43a9e5ad8cb82ede2f8ce10999d181ecba709efafe5ebeb97",
  "label bootstrap": "c43a911840c2402ae1f755674b0c37b895bb6edb1b5a3266a0a7d63281ced08c",
  audit: "76087b6b7cb08170c05f033268ee9e5b69a60479897c3609b80a19aefbba2c4b",
  "pair labels": "c955695ee6fa5b4c7259681aa0d039904420250e991a343e303d0985294fdd9d",
  "pair labels bootstrap": "8eeb98e751ce944767f2f16f680e5ed444a6360e178cabdd61a04333ce527469",
  "pair labels baseline": "6e5eff4bc22044bec9e56c7570f84cadbf2f1194927866d09c6123237264700c",
  "pair replay": "6c8e1537ca5a6e4e21c20f19eda64a1d02a49886c582d7c854df254bec8c9dfc",
  "pair file": "ff27e994ee0016d803944b50b8a3067bc427d61ed37a156f439a30d5fdf8e5d0",
  "pair preferences": "3a69f52b128b3c779581fbcfc03bb16376acd15b841e2613593ab895b71e1bba",
  "train sft": "d0cebfe2b9d66c8be3596222ed17281a2c5a967a01ccb90dfa947504fd3557ee",
  "train reward": "9afc4eed0ae272a973bf3c135210e6d791ffaed6f9925b4e5371a18f3a2897e0",
  "train preference model": "3d6c58f7b1272b78f8c44b9a957b8b47597a5978d97c05c89e71f850f4f830c9",
  "train refit": "fdbfca62ba767e041ef5618e7193f9360bee95a1b61006a055bae00f479e52ce",
  "train iteration": "c61f3824bf402a1359b7022c4dc035df2a6951bc99e04c83e139841c10369291",
  "train baseline": "e5b5b2df75d1b649c856d5872936947759610f6a5f50e11e813ef6be421fd89b",
  reference: "9029cefb12b465edc9280ffaf6337c11cb1443ebf2526cbcbbae86e8c79068bc",
  "judge by gold": "fc82f0fe51be3e7b0e3ec8232864f117fc3f120bb4b2469c99374aed25afb82f",
  "judge by judge": "63facbfb61cb0f033282b0068045736035ec2f8df9e47015d41674df2d7ad593",
  "judge by reward": "7ea62530149d954765d2d7736854a7622667ce98297edae863f3c314e4ad7fb3",
  "judge by preference model": "81da9447ff2148fb2e964e458bfdf8a3b1b46a90aad90d6ad4c8f13a858d860d",
  evaluate: "192a0d41ae5192b5a08e96df637eaf38c42663dbdeea7e16cf4cf96c545cd9ee",
  promote: "5c369f931101069002f280c634d23c9837976a50b8cb28b27361c5facf7dc375",
  "seal generate": "46efdcc85f61a0f19f4574bd611d0f42ffa331f2f0f150a967616760fbb4792a",
  "seal score": "87d606f709f6639d8339a191edb2e709663e4b85769e9de31b80a14d9395978f",
  "seal judge": "34261830385918884106b06fc07d80518b4ea8fdff9e79c992b6f1e10f9eabba",
};

const found = await stageAddresses();

it("no address changes without its version", async () => {
  assert.deepEqual([STAGE_VERSION, found], [VERSIONS, GOLDEN]);
});

const ALL = Object.keys(found);
const named = (...parts: string[]): string[] =>
  ALL.filter((name) => parts.some((part) => name.startsWith(part)));
const ANSWERS = named("answer");
const PAIRS = named("pair");
const POLICY_TRAINING = ["train iteration", "train baseline"];

/** The addresses that change with a setting; all others stay. */
type Reader = [setting: string, change: (spec: CompiledSpec) => Partial<CompiledSpec>, changed: string[]];
const READERS: Reader[] = [
  [
    "seed",
    () => ({ seed: 8 }),
    [...named("generate", "answer", "label", "audit", "pair", "train", "judge", "promote"), "seal judge"],
  ],
  [
    "generate",
    (spec) => ({ generate: { ...spec.generate, maxTokens: 9 } }),
    ["generate iteration", "generate baseline", ...ANSWERS],
  ],
  [
    "generate.runtime",
    () => ({ runtimes: { generate: "vllm" } }),
    [...named("generate"), ...ANSWERS, "seal generate"],
  ],
  ["evaluate.samples", (spec) => ({ evaluate: { ...spec.evaluate, samples: 3 } }), ANSWERS],
  [
    "evaluate.resamples",
    (spec) => ({ evaluate: { ...spec.evaluate, resamples: 300 } }),
    ["audit", "promote", "seal judge"],
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
    [...PAIRS, "label", "label bootstrap", "score by preference model"],
  ],
  ["labels.choose", (spec) => ({ labels: { ...spec.labels!, choose: "uncertain" } }), ["label"]],
  [
    "labels.refit.replay",
    (spec) => ({ labels: { ...spec.labels!, refit: { ...spec.labels!.refit!, replay: 2 } } }),
    ["pair replay"],
  ],
  [
    "labels.refit's optimizer",
    (spec) => ({
      labels: {
        ...spec.labels!,
        refit: { ...spec.labels!.refit!, optimizer: { ...OPTIMIZER, learningRate: 1 } },
      },
    }),
    ["train refit"],
  ],
  ["labels.deadline", (spec) => ({ labels: { ...spec.labels!, deadlineMs: 9, minimum: 1 } }), []],
  ["iterations", () => ({ iterations: 3 }), []],
  [
    "pair.limit",
    (spec) => ({ pair: { ...spec.pair, limit: 2 } }),
    ["pair scores", "pair replay", "pair labels"],
  ],
  [
    "baselines.count",
    (spec) => ({ baselines: [{ ...spec.baselines[0]!, count: 4 }] }),
    ["pair labels baseline", "pair preferences"],
  ],
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
    ["train reward", "train refit"],
  ],
  ["the judge", (spec) => ({ modules: { ...spec.modules, judge: OTHER } }), ["judge by judge"]],
  ["gold", (spec) => ({ modules: { ...spec.modules, gold: OTHER } }), ["judge by gold"]],
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
