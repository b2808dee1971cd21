// The progress of each stage as a user sees it, from the heartbeats that its activities send: through
// `observe` and Pace, once a second of simulated time.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Plan, StageName } from "../../campaign/types.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import { FakeGateway } from "../../test/support/fake-gateway.ts";
import { observe } from "./observe.ts";
import { Pace } from "./pace.ts";
import type { Rate } from "./pace.ts";

type Progress = NonNullable<Heartbeat["progress"]>;

interface Moment {
  type: string;
  shardsDone: number;
  shardsTotal: number;
  beats: (Progress | undefined)[];
  /** Activities of other stages that run in the same place. */
  others?: { type: string; progress: Progress }[];
}

const PLAN = { queues: {} } as unknown as Plan;
const place = { iteration: 1, take: 1 } as const;

/** What is shown at each second. */
async function shown(stage: StageName, moments: readonly Moment[]): Promise<Rate[]> {
  const gateway = new FakeGateway();
  gateway.queuePollers = { ratchet: [{ identity: "w", lastPollMs: Date.now() }] };
  gateway.answer = { status: "running", epoch: 1, iterations: 2, finished: 0, promoted: 0, running: [place] };
  gateway.runs.set("ratchet:c", { runId: "r", status: "running", pending: [] });
  const pace = new Pace();
  const rates: Rate[] = [];
  for (const [second, { type, shardsDone, shardsTotal, beats, others = [] }] of moments.entries()) {
    const activities = [...beats.map((progress) => ({ type, progress })), ...others];
    const pending = activities.map(({ type: name, progress }) => ({
      type: name,
      state: "started" as const,
      attempt: 1,
      scheduledAtMs: 0,
      heartbeat: { progress },
    }));
    gateway.runs.set("ratchet:c/it-0001.1", { runId: "r", status: "running", pending });
    gateway.stages.set("ratchet:c/it-0001.1", { place, stage, shardsDone, shardsTotal, startedAtMs: 0 });
    const [view] = (await observe(gateway, "c", PLAN)).stages;
    assert.ok(view);
    rates.push(pace.of(view, 1_000 * second));
  }
  return rates;
}

const seconds = (count: number): number[] => Array.from({ length: count }, (_, second) => second);

/** A training of 90 s: the reference's batches, three a second faster than steps, then one step a second. */
function training(referenceSeconds: number, steps: number, from = 0): Moment[] {
  const share = referenceSeconds / (referenceSeconds + steps);
  const one = (progress: Progress | undefined): Moment => ({
    type: "train",
    shardsDone: 0,
    shardsTotal: 1,
    beats: [progress],
  });
  return [
    one(undefined),
    one(undefined),
    ...seconds(referenceSeconds).map((second) => {
      const [done, total] = [3 * (second + 1), 3 * referenceSeconds];
      return one({ done, total, unit: "reference batches", fraction: (share * done) / total });
    }),
    ...seconds(steps - from).map((second) => {
      const done = from + second + 1;
      return one({ done, total: steps, unit: "steps", fraction: share + (1 - share) * (done / steps) });
    }),
  ];
}

/** Four shards of ten pieces, two at once, a piece a second each; then the seal reads forty pieces. */
function fanOut(type: StageName): Moment[] {
  const beat = (done: number): Progress => ({ done, total: 10, unit: "pieces", values: { completions: 3 } });
  const work = [0, 2].flatMap((shardsDone) =>
    seconds(10).map((second) => ({
      type,
      shardsDone,
      shardsTotal: 4,
      beats: [beat(second), beat(second)],
    })),
  );
  const seal = seconds(10).map((second) => ({
    type: "seal",
    shardsDone: 4,
    shardsTotal: 4,
    beats: [{ done: 4 * second, total: 40, unit: "pieces" }],
  }));
  return [...work, ...seal];
}

const single = (type: StageName): Moment[] =>
  seconds(5).map(() => ({ type, shardsDone: 0, shardsTotal: 1, beats: [undefined] }));

const STAGES: Record<StageName, Moment[]> = {
  sft: training(0, 60),
  reward: training(0, 40),
  refit: training(0, 40),
  train: training(20, 60),
  generate: fanOut("generate"),
  score: fanOut("score"),
  answer: fanOut("answer"),
  reference: fanOut("reference"),
  judge: fanOut("judge"),
  label: single("label"),
  audit: single("audit"),
  pair: single("pair"),
  evaluate: single("evaluate"),
  promote: single("promote"),
};

for (const [stage, moments] of Object.entries(STAGES) as [StageName, Moment[]][])
  it(`${stage}: the share is of the whole stage, never falls, and stays below 100 %`, async () => {
    const rates = await shown(stage, moments);
    for (const [second, { fraction }] of rates.entries()) {
      assert.ok(fraction >= (rates[second - 1]?.fraction ?? 0), `second ${second}`);
      assert.ok(fraction <= 0.99, `second ${second}: ${fraction}`);
    }
  });

for (const stage of ["sft", "reward", "train", "generate", "score", "answer", "reference", "judge"] as const)
  it(`${stage}: the time left is within a fifth of the time that the work still takes`, async () => {
    const rates = await shown(stage, STAGES[stage]);
    const end = STAGES[stage].findLastIndex(({ type }) => type !== "seal");
    const guessed = rates.flatMap(({ leftMs }, second) =>
      leftMs === undefined ? [] : [{ second, leftMs, rightMs: (end - second) * 1_000 }],
    );
    assert.ok(guessed.length > 10, `${guessed.length} seconds with a time left`);
    for (const { second, leftMs, rightMs } of guessed)
      assert.ok(
        Math.abs(leftMs - rightMs) <= 0.2 * rightMs + 2_500,
        `second ${second}: ${leftMs}, ${rightMs}`,
      );
  });

it("train: after the batches of the reference, the share is theirs, and the rate is of steps", async () => {
  const rates = await shown("train", training(20, 60));
  assert.equal(rates[21]?.fraction, 0.25);
  assert.equal(rates[60]?.perSecond, 1);
});

it("train: a worker of an older build, which sends no share, shows no share for its reference", async () => {
  const old = STAGES.train.map((moment) => ({
    ...moment,
    beats: moment.beats.map((beat) => beat && { done: beat.done, total: beat.total, unit: beat.unit }),
  }));
  const rates = await shown("train", old);
  assert.equal(rates[21]?.fraction, 0);
  assert.equal(rates[22]?.fraction, 1 / 60);
});

it("train: steps that an earlier attempt has done are no pace", async () => {
  const rates = await shown("train", training(0, 180, 100));
  assert.equal(Math.round(rates[20]?.leftMs ?? 0), 61_000);
});

it("another stage that runs in the same place adds nothing", async () => {
  const others = [{ type: "answer", progress: { done: 9, total: 10, unit: "pieces" } }];
  const alone = await shown("promote", STAGES.promote);
  const beside = await shown(
    "promote",
    STAGES.promote.map((moment) => ({ ...moment, others })),
  );
  assert.deepEqual(beside, alone);
});

it("of two sets of answers side by side, the one that ends first stays counted", async () => {
  const beat = (done: number): Progress => ({ done, total: 10, unit: "pieces" });
  const both = { type: "answer", shardsDone: 2, shardsTotal: 4, beats: [beat(5), beat(5)] };
  const rates = await shown("answer", [
    both,
    { ...both, shardsDone: 0, shardsTotal: 2, beats: [beat(6), beat(6)] },
  ]);
  assert.deepEqual(
    rates.map(({ fraction, shardsDone, shardsTotal }) => ({ fraction, shardsDone, shardsTotal })),
    [
      { fraction: 0.75, shardsDone: 2, shardsTotal: 4 },
      { fraction: 0.8, shardsDone: 2, shardsTotal: 4 },
    ],
  );
});
