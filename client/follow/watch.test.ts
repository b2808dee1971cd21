import assert from "node:assert/strict";
import { it, mock } from "node:test";
import type { LedgerEvent, Plan } from "../../campaign/types.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { openStore, storeOn } from "../../store/index.ts";
import { FakeGateway } from "../../test/support/fake-gateway.ts";
import { observe } from "./observe.ts";
import type { PendingActivity } from "../../temporal/gateway.ts";
import { watchCampaign } from "./watch.ts";
import type { WatchEvent } from "./watch.ts";

const queues = {
  sft: "cpu",
  reward: "cpu",
  generate: "gpu",
  score: "cpu",
  pair: "cpu",
  train: "cpu",
  evaluate: "cpu",
  promote: "cpu",
};
const PLAN = { queues } as unknown as Plan;
const NOW = Date.now();
const pending = (more: Partial<PendingActivity> = {}): PendingActivity => ({
  type: "generate",
  state: "scheduled",
  attempt: 1,
  scheduledAtMs: NOW - 60_000,
  ...more,
});
/** Without undefined members, as a reader of the JSON form sees it. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const polled = (ageMs: number) => [{ identity: "w", lastPollMs: NOW - ageMs }];

function running(activities: PendingActivity[]): FakeGateway {
  const gateway = new FakeGateway();
  gateway.queuePollers = { ratchet: polled(1_000) };
  gateway.answer = {
    status: "running",
    epoch: 1,
    iterations: 2,
    finished: 0,
    promoted: 0,
    running: [{ iteration: 1, take: 1 }],
  };
  gateway.runs.set("ratchet:c", { runId: "r", status: "running", pending: [] });
  gateway.runs.set("ratchet:c/it-0001.1", { runId: "r", status: "running", pending: activities });
  gateway.stages.set("ratchet:c/it-0001.1", {
    place: { iteration: 1, take: 1 },
    stage: "generate",
    shardsDone: 1,
    shardsTotal: 4,
    startedAtMs: NOW - 60_000,
  });
  return gateway;
}

it("reports work on a queue that no worker ever polled at once", async () => {
  const { waiting } = await observe(running([pending()]), "c", PLAN);
  assert.deepEqual(waiting, [{ queue: "ratchet-gpu", sinceMs: NOW - 60_000 }]);
});

it("reports the queue of a dead worker although the server still lists its polls", async () => {
  const gateway = running([pending({ scheduledAtMs: NOW - 25_000, attempt: 2 })]);
  gateway.queuePollers["ratchet-gpu"] = polled(40_000);
  assert.equal((await observe(gateway, "c", PLAN)).waiting[0]?.lastPollMs, NOW - 40_000);
});

it("does not report work behind a busy worker", async () => {
  const busy = pending({ state: "started", heartbeatAtMs: NOW - 1_000 });
  const gateway = running([pending(), busy]);
  gateway.queuePollers["ratchet-gpu"] = polled(70_000);
  assert.deepEqual((await observe(gateway, "c", PLAN)).waiting, []);
});

const untaken: [string, (scheduledAtMs: number) => FakeGateway][] = [
  ["that no worker ever polled", (scheduledAtMs) => running([pending({ scheduledAtMs })])],
  [
    "whose worker died",
    (scheduledAtMs) =>
      Object.assign(running([pending({ scheduledAtMs })]), {
        queuePollers: {
          ratchet: polled(0),
          "ratchet-gpu": [{ identity: "w", lastPollMs: scheduledAtMs - 1_000 }],
        },
      }),
  ],
  [
    "of the campaign itself",
    (scheduledAtMs) =>
      Object.assign(running([]), {
        answer: undefined,
        runs: new Map([
          ["ratchet:c", { runId: "r", status: "running", taskSinceMs: scheduledAtMs, pending: [] }],
        ]),
      }),
  ],
];
for (const [what, prepare] of untaken) {
  it(`reports work on a queue ${what} within 30 s, although each poll takes 4 s`, async (t) => {
    mock.timers.enable({ apis: ["Date"], now: NOW });
    t.after(() => mock.timers.reset());
    for (const offsetMs of [0, 1_000, 2_000, 3_000]) {
      const scheduledAtMs = Date.now();
      const gateway = prepare(scheduledAtMs);
      const look = gateway.run.bind(gateway);
      let tickMs = offsetMs;
      gateway.run = async (id) => {
        if (id === "ratchet:c") mock.timers.tick(tickMs);
        tickMs = 4_000;
        return look(id);
      };
      const store = await openStore("memory:");
      await store.ledger("c").append<LedgerEvent>({
        id: "created",
        epoch: 0,
        event: { type: "created", specDigest: await store.putJson(SPEC), name: "c" },
        by: "t",
      });
      for await (const event of watchCampaign(store, gateway, "c", { everyMs: 1 })) {
        assert.ok(Date.now() - scheduledAtMs <= 30_000, `${Date.now() - scheduledAtMs} ms`);
        if (event.type === "waiting") break;
      }
    }
  });
}

it("a stage's share counts finished shards and the finished pieces of running ones", async () => {
  const beat = (done: number) =>
    pending({
      state: "started",
      heartbeatAtMs: NOW,
      heartbeat: { progress: { done, total: 4, unit: "pieces", values: { completions: 7 } } },
    });
  const gateway = running([beat(1), beat(3)]);
  const { stages } = await observe(gateway, "c", PLAN);
  assert.deepEqual(stages[0]?.fraction, 0.5);
  assert.deepEqual(stages[0]?.counted, { unit: "pieces", done: 4, total: 8, activities: 2 });
});

it("a retried activity shows its attempt and why the one before failed", async () => {
  const { stages } = await observe(
    running([pending({ state: "started", attempt: 3, lastFailure: "activity Heartbeat timeout" })]),
    "c",
    PLAN,
  );
  assert.deepEqual([stages[0]?.attempt, stages[0]?.lastFailure], [3, "activity Heartbeat timeout"]);
});

it("groups activities by type and code, with the failure of the most tried one", async () => {
  const denied = (attempt: number) =>
    pending({
      state: "backing-off",
      attempt,
      lastFailure: `try ${attempt}`,
      failureCode: "store_denied",
      nextAtMs: NOW + 9_000,
    });
  const waits = pending({
    state: "started",
    heartbeat: { waitsFor: { code: "disk_full", message: "no space" } },
  });
  const gateway = running([
    denied(7),
    denied(9),
    waits,
    pending({ state: "started", attempt: 2, lastFailure: "drained", failureCode: "worker_draining" }),
  ]);
  gateway.runs.set("ratchet:c", {
    runId: "r",
    status: "running",
    pending: [
      pending({
        type: "append",
        state: "started",
        attempt: 4,
        lastFailure: "away",
        failureCode: "store_unreachable",
      }),
    ],
  });
  assert.deepEqual(asJson((await observe(gateway, "c", PLAN)).retrying), [
    { what: "append", activities: 1, attempt: 4, code: "store_unreachable", message: "away" },
    {
      what: "it-0001.1 generate",
      activities: 2,
      attempt: 9,
      code: "store_denied",
      message: "try 9",
      nextAtMs: NOW + 9_000,
    },
    { what: "it-0001.1 generate", activities: 1, attempt: 1, code: "disk_full", message: "no space" },
  ]);
});

// ---------------------------------------------------------------- to the end

const SPEC = {
  score: { by: "model" },
  promote: { threshold: 0.5 },
  modules: {},
  prompts: { perIteration: 8, iterations: { count: 8 }, validation: { count: 8 }, test: { count: 8 } },
  bootstrap: {},
  baselines: [],
  iterations: 1,
  train: { reference: "initial" },
  pieces: { prompts: 8, perShard: 1, wave: 1 },
  queues: { generate: "gpu", score: "cpu", train: "cpu", evaluate: "cpu" },
};

async function watched(
  end: LedgerEvent | undefined,
  prepare: (gateway: FakeGateway) => void = () => undefined,
): Promise<WatchEvent[]> {
  const store = await openStore("memory:");
  const specDigest = await store.putJson(SPEC);
  const ledger = store.ledger("c");
  await ledger.append<LedgerEvent>({
    id: "created",
    epoch: 0,
    event: { type: "created", specDigest, name: "c" },
    by: "t",
  });
  const gateway = running([]);
  prepare(gateway);
  const events: WatchEvent[] = [];
  for await (const event of watchCampaign(store, gateway, "c", { everyMs: 5 })) {
    events.push(event);
    if (event.type === "stages") {
      if (end) await ledger.append<LedgerEvent>({ id: "end", epoch: 1, event: end, by: "t" });
      gateway.runs.set("ratchet:c", { runId: "r", status: end ? "completed" : "failed", pending: [] });
    }
  }
  return events;
}

it("a watch sends new ledger rows and ends with the recorded outcome", async () => {
  const events = await watched({ type: "completed", latest: "l", promoted: "p" });
  assert.deepEqual(
    events.map(({ type }) => type),
    ["campaign", "stages", "row", "ended"],
  );
  assert.deepEqual(asJson(events.at(-1)), {
    type: "ended",
    outcome: { status: "completed" },
  });
});

it("reports a server that goes away once, and waits for it", async () => {
  const events = await watched(
    { type: "completed", latest: "l", promoted: "p" },
    (gateway) => (gateway.awayFor = 3),
  );
  assert.deepEqual(
    events.map(({ type }) => type),
    ["unreachable", "campaign", "stages", "row", "ended"],
  );
});

it("ends with a campaign whose end is recorded, if the server has ended too", async () => {
  const store = await openStore("memory:");
  const specDigest = await store.putJson(SPEC);
  const rows: LedgerEvent[] = [
    { type: "created", specDigest, name: "c" },
    { type: "completed", latest: "l", promoted: "p" },
  ];
  for (const [epoch, event] of rows.entries())
    await store.ledger("c").append<LedgerEvent>({ id: event.type, epoch, event, by: "t" });
  const gateway = running([]);
  gateway.awayFor = Infinity;
  const events: WatchEvent[] = [];
  for await (const event of watchCampaign(store, gateway, "c", { everyMs: 5, fromRow: 1 }))
    events.push(event);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["row", "ended"],
  );
});

it("reads each ledger row once, however long Temporal is away", async () => {
  const backend = memoryBackend();
  const read = new Map<string, number>();
  const store = await storeOn({
    ...backend,
    get(key) {
      if (key.includes("/ledger/")) read.set(key, (read.get(key) ?? 0) + 1);
      return backend.get(key);
    },
  });
  const specDigest = await store.putJson(SPEC);
  const ledger = store.ledger("c");
  const created = { type: "created", specDigest, name: "c" } as const;
  await ledger.append<LedgerEvent>({ id: "created", epoch: 0, event: created, by: "t" });
  const gateway = running([]);
  gateway.awayFor = Infinity;
  const polls = new AbortController();
  let polled = 0;
  const look = gateway.run.bind(gateway);
  gateway.run = async (id) => {
    polled += 1;
    const paused = { type: "paused", by: "ada", why: "" } as const;
    if (polled === 10) await ledger.append<LedgerEvent>({ id: "paused", epoch: 0, event: paused, by: "t" });
    if (polled === 20) polls.abort();
    return look(id);
  };
  for await (const event of watchCampaign(store, gateway, "c", { everyMs: 1, signal: polls.signal }))
    assert.equal(event.type, "unreachable");
  assert.ok(polled >= 20);
  for (const [key, times] of read) assert.equal(times, 1, `${key} was read ${times} times`);
});

it("reports the failure of a run that ended before its campaign did", async () => {
  const events = await watched(undefined);
  assert.deepEqual(asJson(events.at(-1)), {
    type: "ended",
    outcome: { status: "failed", failure: { code: "lease_lost", message: "taken over" } },
  });
});

it("refuses a campaign that the server does not know, with a hint", async () => {
  await assert.rejects(
    watched(undefined, (gateway) => gateway.runs.delete("ratchet:c")),
    { code: "not_running", hint: /ratchet start/ },
  );
});
