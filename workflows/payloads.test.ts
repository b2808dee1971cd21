// The largest inputs of a workflow, at the limits of the spec, stay small however large the campaign is.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Opened } from "../activities/ledger-contract.ts";
import { EARLIER_MAX } from "../campaign/rules.ts";
import { SPEC_LIMITS } from "../campaign/spec/schema.ts";
import type {
  BaselinePlan,
  CampaignInput,
  PlacePlan,
  Pointer,
  Reached,
  RunInput,
  Standing,
} from "../campaign/types.ts";
import type { IterationInput } from "./iteration.ts";
import { CampaignState } from "./state.ts";

/** Far below Temporal's limit of 2 MB, and these are at the limits of every setting. */
const PAYLOAD_MAX = 8192;
const digest = "d".repeat(64);
const queue = "q".repeat(41);
const campaign: CampaignInput = {
  campaignId: "c".repeat(63),
  specDigest: digest,
  storeName: `s3://${"b".repeat(63)}/${"p".repeat(128)}`,
};
const plan: PlacePlan = {
  iterations: 9999,
  sft: true,
  reward: true,
  preferences: "labels",
  bootstrapLabels: { by: "people", audit: true },
  labels: { by: "people", audit: true },
  reference: "previous",
  proxy: "preferences",
  judgedBy: "reward",
  judge: true,
  alsoAgainst: EARLIER_MAX,
  pieces: { bootstrap: 1e7, audit: 1e6, iteration: 1e7, baseline: 1e9, validation: 1e6, test: 1e6 },
  shardPieces: 4096,
  maxConcurrentShards: 1000,
  queues: {
    sft: queue,
    reward: queue,
    generate: queue,
    score: queue,
    train: queue,
    label: queue,
    audit: queue,
    refit: queue,
    pair: queue,
    answer: queue,
    reference: queue,
    judge: queue,
    evaluate: queue,
    promote: queue,
  },
};
const bootstrap = {
  policy: digest,
  rewardModel: digest,
  labels: digest,
  preferences: digest,
  opponent: digest,
  opponentScores: digest,
};
const pointer: Pointer = { iteration: 9999, take: 99, policy: digest, answers: digest };
const earlier = Array.from({ length: EARLIER_MAX }, () => pointer);
const baselines = Array.from({ length: SPEC_LIMITS.baselines }, (_, n) => `${n}`.padEnd(31, "b"));
const record: Standing = {
  campaignId: campaign.campaignId,
  status: "running",
  epoch: 9999,
  server: digest,
  namespace: "n".repeat(64),
  bootstrap,
  next: { iteration: 9999, take: 99 },
  latest: pointer,
  promoted: pointer,
  earlier,
  baselines: Object.fromEntries(baselines.map((name) => [name, { policy: digest }])),
};
const opened: Opened = {
  epoch: 9999,
  policy: digest,
  plan: { ...plan, baselines: baselines.map((name): BaselinePlan => ({ name, pairs: "initial-policy" })) },
  record,
  searchAttributes: true,
};

function assertSmall(what: string, value: unknown, max = PAYLOAD_MAX): void {
  const bytes = Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));
  assert.ok(bytes <= max, `${what} takes ${bytes} bytes`);
}

it("what `open` returns fits a payload at the spec's limits", () => assertSmall("opened", opened));

it("a campaign that continues as new passes hardly more than its own name", () =>
  assertSmall("input", { ...campaign, continues: 9999 } satisfies RunInput, 512));

it("an iteration that continues as new after all its stages fits a payload", () => {
  const names = [
    "generate/iteration",
    "score/iteration",
    "label",
    "audit",
    "pair",
    "train",
    ...["answer", "score", "reference", "evaluate"].flatMap((stage) => [
      `${stage}/validation`,
      `${stage}/test`,
    ]),
    "judge/test/gold/12345678",
    "judge/test/reward/12345678",
    ...[0, 1, 2, 3, 4].map((n) => `judge/validation/judge/1234567${n}`),
    "promote",
  ];
  const reached: Reached = {
    stages: Object.fromEntries(
      names.map((name) => [name, { digest, ...(name === "train" ? { policy: digest } : {}) }]),
    ),
    begun: Object.fromEntries(
      ["answer/validation", "answer/test"].map((name) => [name, { shards: 1e7, startedAtMs: 1.8e12 }]),
    ),
  };
  assertSmall("input", {
    campaign,
    epoch: 9999,
    place: { iteration: 9999, take: 99 },
    plan,
    bootstrap,
    latest: pointer,
    promoted: pointer,
    earlier,
    reached,
  } satisfies IterationInput);
});

it("the card and the answer to `progress` are small with every baseline running", () => {
  const state = new CampaignState(opened, digest);
  state.running.push({ iteration: 9999, take: 99 }, ...baselines.map((baseline) => ({ baseline, take: 99 })));
  assertSmall("card", state.card(), 2048);
  assertSmall("progress", state.progress());
});
