import assert from "node:assert/strict";
import { it } from "node:test";
import type { LedgerEvent } from "../../campaign/types.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { FakeGateway } from "../../test/support/fake-gateway.ts";
import { controlCampaign } from "../follow/control.ts";
import { startCampaign } from "./start.ts";
import type { StartOptions } from "./start.ts";

interface Setup {
  store: Store;
  gateway: FakeGateway;
  start(more?: Partial<StartOptions>): ReturnType<typeof startCampaign>;
  append(epoch: number, event: LedgerEvent): Promise<unknown>;
  types(): Promise<string[]>;
}

async function setup(): Promise<Setup> {
  const store = await openStore("memory:");
  const gateway = new FakeGateway();
  const specDigest = await store.putJson({ train: { beta: 0.1 } });
  const ledger = store.ledger("c");
  const options: StartOptions = {
    campaignId: "c",
    name: "c",
    specDigest,
    takeOver: false,
    resume: false,
    by: "ada",
    requestId: "r1",
  };
  return {
    store,
    gateway,
    start: (more = {}) => startCampaign(store, gateway, { ...options, ...more }),
    append: (epoch, event) =>
      ledger.append<LedgerEvent>({ id: `${event.type}:${epoch}`, epoch, event, by: "test" }),
    types: async () => (await ledger.read<LedgerEvent>()).map((row) => row.event.type),
  };
}

const opened = (server: string): LedgerEvent => ({
  type: "opened",
  server,
  namespace: "default",
  runId: "x",
});
const END = { type: "cancelled", by: "ada", why: "enough" } as const;

it("writes the ledger's first row before it starts the workflow", async () => {
  const { start, gateway, types, store } = await setup();
  gateway.start = async () => {
    assert.deepEqual(await types(), ["created"]);
    return { runId: "run-1" };
  };
  const started = await start();
  assert.deepEqual([started.action, started.runId], ["created", "run-1"]);
  assert.equal(store.name, "memory:");
});

it("the first row has what the spec read from the hub, if it read anything", async () => {
  const source = { use: "policy", hub: "org/m", revision: "main", commit: "a".repeat(40) } as const;
  for (const sources of [[source], []]) {
    const { start, store } = await setup();
    await start({ sources });
    const [row] = await store.ledger("c").read<LedgerEvent>();
    const { sources: found } = row!.event as { sources?: unknown };
    assert.deepEqual(found, sources.length > 0 ? sources : undefined);
  }
});

it("gives the workflow digests and names, never the spec", async () => {
  const { start, gateway } = await setup();
  const { specDigest } = await start();
  assert.deepEqual(gateway.started, [
    { input: { campaignId: "c", specDigest, storeName: "memory:" }, replace: false },
  ]);
});

it("refuses the later of two concurrent starts of one id if its spec differs", async () => {
  const { start, types, store } = await setup();
  const other = await store.putJson({ train: { beta: 0.2 } });
  const outcomes = await Promise.allSettled([start(), start({ specDigest: other, requestId: "r2" })]);
  assert.deepEqual(await types(), ["created"]);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.deepEqual(
    refused.map(({ reason }) => (reason as { code: string }).code),
    ["campaign_differs"],
  );
});

it("refuses another spec and names every path that differs", async () => {
  const { start, store } = await setup();
  await start();
  const specDigest = await store.putJson({ train: { beta: 0.2, epochs: 3 } });
  await assert.rejects(
    start({ specDigest }),
    (error: Error & { code: string; problems: { path: string }[] }) => {
      assert.equal(error.code, "campaign_differs");
      assert.match(error.message, /train\.beta: 0\.1 → 0\.2; train\.epochs: \(none\) → 3/);
      assert.deepEqual(
        error.problems.map(({ path }) => path),
        ["train.beta", "train.epochs"],
      );
      return true;
    },
  );
});

it("resumes a campaign that the server no longer knows from its ledger", async () => {
  const { start, gateway, append } = await setup();
  await start();
  await append(1, opened("here"));
  gateway.runs.clear();
  assert.equal((await start()).action, "resumed");
});

it("takes a campaign from another server only with --take-over", async () => {
  const { start, gateway, append } = await setup();
  await start();
  await append(1, opened("elsewhere"));
  gateway.runs.clear();
  await assert.rejects(start(), { code: "owned_elsewhere", kind: "resource" });
  assert.equal((await start({ takeOver: true })).action, "resumed");
});

it("resumes a cancelled campaign by a ledger row that says who asked", async () => {
  const { start, gateway, append, types } = await setup();
  await start();
  await append(1, opened("here"));
  await append(1, END);
  gateway.runs.clear();
  await assert.rejects(start(), { code: "campaign_cancelled", kind: "spec" });
  assert.equal((await start({ resume: true })).action, "reopened");
  assert.equal((await types()).at(-1), "reopened");
});

it("refuses a pause without a worker, and does not send it", async () => {
  const { start, gateway, store } = await setup();
  await start();
  const pause = () =>
    controlCampaign(store, gateway, "c", "pause", { by: "ada", why: "lunch", requestId: "p1" });
  await assert.rejects(pause(), { code: "no_worker" });
  gateway.queuePollers = { ratchet: [{ identity: "w", lastPollMs: Date.now() }] };
  await assert.rejects(pause(), { code: "no_worker", message: /ratchet-control/ });
  gateway.queuePollers["ratchet-control"] = [{ identity: "w", lastPollMs: Date.now() }];
  await assert.rejects(
    pause(),
    { code: "no_worker", message: /no worker answers/ },
    "the server still lists the polls of a worker that just died",
  );
  assert.deepEqual(gateway.controls, []);
  gateway.answer = { status: "running", epoch: 1, iterations: 2, finished: 0, promoted: 0, running: [] };
  assert.deepEqual(await pause(), { status: "paused" });
  assert.deepEqual(gateway.controls, [{ verb: "pause", updateId: "p1" }]);
});

it("refuses to pause an ended campaign, whatever the server says", async () => {
  const { start, gateway, append, store } = await setup();
  await start();
  await append(1, END);
  await assert.rejects(
    controlCampaign(store, gateway, "c", "pause", { by: "ada", why: "", requestId: "p" }),
    { code: "campaign_ended" },
  );
});

it("does not follow the run of another store; ends it only with --take-over", async () => {
  const { start, gateway } = await setup();
  gateway.runs.set("ratchet:c", { runId: "old", status: "running", store: "dir:/old", pending: [] });
  await assert.rejects(start(), { code: "owned_elsewhere", message: /for the store dir:\/old/ });
  assert.equal((await start({ takeOver: true })).action, "created");
  assert.equal(gateway.started[0]?.replace, true);
});

it("refuses a moved campaign and names its new store", async () => {
  const { start, gateway, store } = await setup();
  await start();
  gateway.runs.clear();
  await store.ledger("c").takeOver<LedgerEvent>({
    id: "moved:x",
    event: { type: "moved", to: "s3://bucket/x", by: "ada", why: "" },
    by: "ada",
  });
  await assert.rejects(start({ takeOver: true, resume: true }), {
    code: "campaign_moved",
    message: /s3:\/\/bucket\/x/,
  });
});
