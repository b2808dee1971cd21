import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LedgerEvent } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { AmendInput } from "./ledger-contract.ts";
import { amend, append, open } from "./open.ts";
import { fakeDeps, memoryStore, smallSpec } from "./attempt/stage-context.test.support.ts";

async function created(): Promise<{
  store: Store;
  /** Digest of its spec. */
  first: string;
  opened: (runId: string, continues?: number, specDigest?: string) => ReturnType<typeof open>;
  amended: (ask: Pick<AmendInput, "specDigest" | "base" | "id">) => ReturnType<typeof amend>;
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
    first: campaign.specDigest,
    opened: (runId, continues, specDigest = campaign.specDigest) =>
      open(deps, { campaign: { ...campaign, specDigest }, runId, continues }),
    amended: (ask) =>
      amend(deps, {
        campaign,
        epoch: 1,
        by: "test",
        holdsFrom: { iteration: 2, take: 1 },
        asked: { by: "ada", why: "more" },
        ...ask,
      }),
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

describe("amend", () => {
  it("writes the row with its differences, checks it again, and acts once for one id", async () => {
    const { store, opened, amended, first } = await created();
    const { plan } = await opened("first");
    const spec = await store.getJson<CompiledSpec>(first);
    const longer = await store.putJson({ ...spec, iterations: 5 });
    const ask = { specDigest: longer, base: first, id: "amended:r" };
    const { event, plan: next } = await amended(ask);
    assert.deepEqual(event.changes, [{ path: "iterations", from: 2, to: 5 }]);
    assert.deepEqual([plan.iterations, next.iterations], [2, 5]);
    assert.deepEqual(await amended(ask), { event, plan: next });
    await assert.rejects(amended({ ...ask, id: "amended:other" }), {
      code: "amend_outdated",
      message: /iterations: 2 → 5, from it-0002.1 on, by ada: more \(row 2\)/,
    });
    const other = await store.putJson({ ...spec, iterations: 5, seed: 8 });
    await assert.rejects(amended({ specDigest: other, base: longer, id: "amended:other" }), {
      code: "amend_forbidden",
      message: /seed: 7 → 8/,
    });
    assert.equal((await store.ledger("small").read()).length, 3);
  });

  it("gives the next run both plans, started with the first spec or the amended one", async () => {
    const { store, opened, amended, first } = await created();
    await opened("first");
    const spec = await store.getJson<CompiledSpec>(first);
    const longer = await store.putJson({ ...spec, iterations: 5 });
    await amended({ specDigest: longer, base: first, id: "amended:r" });
    for (const given of [first, longer]) {
      const { specDigest, plan, amendments } = await opened(`run ${given}`, undefined, given);
      assert.deepEqual([specDigest, plan.iterations], [first, 2]);
      assert.deepEqual(
        amendments?.map((one) => [one.specDigest, one.holdsFrom, one.plan.iterations]),
        [[longer, { iteration: 2, take: 1 }, 5]],
      );
    }
    const never = await store.putJson({ ...spec, iterations: 6 });
    await assert.rejects(opened("other", undefined, never), { code: "campaign_differs" });
  });
});
