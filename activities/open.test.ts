import assert from "node:assert/strict";
import { it } from "node:test";
import type { LedgerEvent } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import { append, open } from "./open.ts";
import { fakeDeps, memoryStore, smallSpec } from "./attempt/stage-context.test.support.ts";

async function created(): Promise<{
  store: Store;
  opened: (runId: string, continues?: number) => ReturnType<typeof open>;
  decide: (event: LedgerEvent, epoch: number) => Promise<void>;
}> {
  const store = await memoryStore();
  const campaign = {
    campaignId: "small",
    specDigest: await store.putJson(await smallSpec(store)),
    storeName: store.name,
  };
  await store.ledger("small").append<LedgerEvent>({
    id: "created",
    epoch: 0,
    event: { type: "created", name: "small", specDigest: campaign.specDigest },
    by: "test",
  });
  const deps = fakeDeps({ store, deps: { server: "here", namespace: "default" } });
  return {
    store,
    opened: (runId, continues) => open(deps, { campaign, runId, continues }),
    decide: (event, epoch) => append(deps, { campaign, epoch, id: event.type, event, by: "test" }),
  };
}

it("gives each run an epoch of its own, and a retry the same one", async () => {
  const { opened } = await created();
  assert.equal((await opened("first")).epoch, 1);
  assert.equal((await opened("first")).epoch, 1);
  assert.equal((await opened("second")).epoch, 2);
});

it("fails a retry with lease_lost after another run has taken over", async () => {
  const { opened } = await created();
  await opened("first");
  await opened("second");
  await assert.rejects(opened("first"), {
    code: "lease_lost",
    message: /epoch 2, this run opened it with 1/,
  });
  assert.equal((await opened("second")).epoch, 2);
});

it("fails with lease_lost if another run takes over between its row and its next read", async () => {
  const { store, opened } = await created();
  const { ledger } = store;
  let overtaken = false;
  store.ledger = (id) => {
    const of = ledger.call(store, id);
    return Object.assign(Object.create(of) as typeof of, {
      takeOver: async (...row: Parameters<typeof of.takeOver>) => {
        const own = await of.takeOver(...row);
        if (!overtaken) await ((overtaken = true), opened("second"));
        return own;
      },
    });
  };
  await assert.rejects(opened("first"), { code: "lease_lost" });
});

it("continues as new if no other run has opened the campaign since; a retry has the same epoch", async () => {
  const { opened } = await created();
  await opened("first");
  assert.equal((await opened("second", 1)).epoch, 2);
  assert.equal((await opened("second", 1)).epoch, 2);
  assert.equal((await opened("third", 2)).epoch, 3);
});

it("does not continue as new if another run has taken the campaign over, or has ended it", async () => {
  const { store, opened, decide } = await created();
  await opened("first");
  await opened("other server's");
  const lost = { code: "lease_lost", message: /epoch 2, the run before this one opened it with 1/ };
  await assert.rejects(opened("second", 1), lost);
  await decide({ type: "completed", latest: "a", promoted: "a" } as LedgerEvent, 2);
  await assert.rejects(opened("second", 1), lost);
  assert.equal((await store.ledger("small").read()).length, 4);
});

it("only reads a campaign that has ended", async () => {
  const { store, opened, decide } = await created();
  await opened("first");
  await decide({ type: "completed", latest: "a", promoted: "a" } as LedgerEvent, 1);
  const { record, epoch } = await opened("second");
  assert.deepEqual([record.status, epoch, (await store.ledger("small").read()).length], ["completed", 1, 3]);
});
