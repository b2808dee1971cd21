import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryStore, smallSpec } from "../../activities/attempt/stage-context.test.support.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { LedgerEvent } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { FakeGateway } from "../../test/support/fake-gateway.ts";
import { requireCampaign } from "../record/record.ts";
import { amendCampaign } from "./amend.ts";
import type { AskedSpec } from "./amend.ts";
import { extended } from "./extended.ts";
import { startCampaign } from "./start.ts";

interface Setup {
  store: Store;
  gateway: FakeGateway;
  first: string;
  ask: (asked: AskedSpec, requestId?: string) => ReturnType<typeof amendCampaign>;
  start: (specDigest: string) => ReturnType<typeof startCampaign>;
  append: (event: LedgerEvent) => Promise<unknown>;
  types: () => Promise<string[]>;
}

/** A campaign of two iterations that has completed on another server. */
async function completed(): Promise<Setup> {
  const store = await memoryStore();
  const gateway = new FakeGateway();
  const policy = await store.putJson({ schema: "ratchet.tree/1", files: [] });
  const first = await store.putJson(await smallSpec(store, { policy: { tree: policy } }));
  let n = 0;
  const append = (event: LedgerEvent): Promise<unknown> =>
    store.ledger("c").append<LedgerEvent>({ id: `row-${n}`, epoch: n++ === 0 ? 0 : 1, event, by: "test" });
  const finished = (iteration: number): LedgerEvent => ({
    type: "iteration-finished",
    iteration,
    take: 1,
    policy,
    stages: {},
    decision: "promoted",
  });
  await append({ type: "created", specDigest: first, name: "c" });
  await append({ type: "opened", server: "elsewhere", namespace: "default", runId: "r" });
  await append({ type: "bootstrap-finished", bootstrap: { policy, opponent: policy }, stages: {} });
  for (const iteration of [1, 2]) await append(finished(iteration));
  await append({ type: "completed", latest: policy, promoted: policy });
  return {
    store,
    gateway,
    first,
    append,
    ask: (asked, requestId = "r") =>
      amendCampaign(store, gateway, "c", asked, { by: "ada", why: "more", requestId }),
    start: (specDigest) =>
      startCampaign(store, gateway, {
        campaignId: "c",
        name: "c",
        specDigest,
        takeOver: false,
        resume: false,
        by: "ada",
        requestId: "s",
      }),
    types: async () => (await store.ledger("c").read<LedgerEvent>()).map(({ event }) => event.type),
  };
}

const more: AskedSpec = (spec) => extended(spec, { more: 2 });
const faster: AskedSpec = (spec) => ({ ...spec, train: { ...spec.train, beta: 0.5 } });

it("extends a completed campaign by a row, then starts it with the new spec", async () => {
  const { ask, gateway, types, store } = await completed();
  const amended = await ask(more);
  assert.deepEqual((await types()).slice(-2), ["completed", "amended"]);
  assert.deepEqual([amended.restarted, amended.iterations, amended.ownPrompts], [true, 4, 2]);
  assert.deepEqual(amended.changes, [{ path: "iterations", from: 2, to: 4 }]);
  assert.deepEqual(amended.holdsFrom, { iteration: 3, take: 1 });
  assert.deepEqual(
    gateway.started.map(({ input }) => input.specDigest),
    [amended.specDigest],
  );
  const { record } = await requireCampaign(store, "c");
  assert.deepEqual([record.status, record.specDigest], ["running", amended.specDigest]);
});

it("acts once for one request id, also if the first died before the start", async () => {
  const { ask, gateway, types } = await completed();
  const start = gateway.start.bind(gateway);
  gateway.start = () => Promise.reject(new Error("the client dies"));
  await assert.rejects(ask(more), /the client dies/);
  gateway.start = start;
  assert.equal((await ask(more)).iterations, 4);
  assert.equal((await ask(more)).iterations, 4);
  assert.equal((await types()).filter((type) => type === "amended").length, 1);
});

it("of two operators who extend it at once, the second is refused and told of the first", async () => {
  const { ask, types } = await completed();
  const both = await Promise.allSettled([ask(more, "a"), ask(more, "b")]);
  const refused = both.filter((outcome) => outcome.status === "rejected");
  assert.deepEqual(
    refused.map(({ reason }) => (reason as { code: string }).code),
    ["amend_outdated"],
  );
  assert.match(String(refused[0]?.reason), /iterations: 2 → 4, from it-0003.1 on, by ada/);
  assert.equal((await types()).filter((type) => type === "amended").length, 1);
});

it("refuses a completed campaign that gets no more iterations, and one that was cancelled", async () => {
  const { ask, append, types } = await completed();
  await assert.rejects(ask(faster), { code: "campaign_ended", hint: /ratchet extend c --iterations \+1/ });
  await append({ type: "cancelled", by: "ada", why: "" });
  await assert.rejects(ask(more), { code: "campaign_ended" });
  assert.equal((await types()).includes("amended"), false);
});

it("does not record an amendment while no worker answers", async () => {
  const { ask, append, gateway, types } = await completed();
  await append({ type: "reopened", by: "ada", why: "" });
  gateway.runs.set("ratchet:c", { runId: "r", status: "running", pending: [] });
  await assert.rejects(ask(faster), { code: "no_worker", message: /the amend of c is not recorded/ });
  assert.equal((await types()).includes("amended"), false);
});

it("after an extension the first file is no drift, and neither is the extended one", async () => {
  const { ask, start, first } = await completed();
  const { specDigest } = await ask(more);
  for (const given of [first, specDigest])
    assert.deepEqual(
      [(await start(given)).action, (await start(given)).specDigest],
      ["attached", specDigest],
    );
});

it("after another amendment the first file is refused with what was amended", async () => {
  const { ask, start, first, store } = await completed();
  const both: AskedSpec = async (spec) => extended(await faster(spec), { more: 1 });
  const { specDigest } = await ask(both);
  assert.equal((await start(specDigest)).action, "attached");
  await assert.rejects(start(first), {
    code: "campaign_differs",
    message: /was amended since: iterations: 2 → 3; train.beta: 0.1 → 0.5, from it-0003.1 on, by ada: more/,
  });
  const spec = await store.getJson<CompiledSpec>(specDigest);
  await assert.rejects(start(await store.putJson({ ...spec, seed: 9 })), {
    code: "campaign_differs",
    message: /has another spec: seed: 7 → 9/,
  });
});
