import assert from "node:assert/strict";
import { it } from "node:test";
import type { CampaignStatus, LedgerEvent } from "../../campaign/types.ts";
import { ledgerKey } from "../../store/layout.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { listCampaigns } from "./list.ts";
import type { ListOptions } from "./list.ts";

const ENDS: Partial<Record<CampaignStatus, object>> = {
  running: { type: "resumed", by: "ada", why: "go" },
  paused: { type: "paused", by: "ada", why: "lunch" },
  failed: { type: "failed", code: "module_threw", message: "no" },
};
const COUNT = 250;

/** Every third campaign has failed, the others are paused or running; names alternate. */
async function recorded(): Promise<Store> {
  const store = await openStore("memory:");
  const specDigest = await store.putJson({ iterations: 3 });
  for (let at = 0; at < COUNT; at += 1) {
    const id = idOf(at);
    const status = (["failed", "paused", "running"] as const)[at % 3]!;
    const events = [
      { type: "created", specDigest, name: at % 2 === 0 ? "shop" : "school" },
      { type: "opened", server: "s", namespace: "n", runId: "r" },
      ENDS[status],
    ];
    for (const [n, event] of events.entries())
      await store
        .ledger(id)
        .append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event: event as LedgerEvent, by: "ada" });
  }
  return store;
}
const idOf = (at: number): string => `night-${String(at).padStart(4, "0")}`;

async function ids(store: Store, options?: ListOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { campaignId } of listCampaigns(store, options)) found.push(campaignId);
  return found;
}

it("pages through all campaigns in the order of their ids, each once", async () => {
  const store = await recorded();
  const pages: string[][] = [];
  for (let after: string | undefined; ;) {
    const page = await ids(store, { after, limit: 40 });
    if (page.length === 0) break;
    pages.push(page);
    after = page.at(-1);
  }
  assert.deepEqual(
    pages.flat(),
    Array.from({ length: COUNT }, (_, at) => idOf(at)),
  );
  assert.deepEqual([...new Set(pages.map(({ length }) => length))], [40, 10]);
});

it("filters by state, name, spec and time; pages hold what the filters let through", async () => {
  const store = await recorded();
  assert.deepEqual(await ids(store, { states: ["failed"], limit: 3 }), [idOf(0), idOf(3), idOf(6)]);
  assert.deepEqual(await ids(store, { states: ["failed", "paused"], name: "school", limit: 3 }), [
    idOf(1),
    idOf(3),
    idOf(7),
  ]);
  assert.deepEqual(await ids(store, { name: "0123" }), [idOf(123)]);
  assert.equal((await ids(store, { spec: "0".repeat(64) })).length, 0);
  const [row] = await store.ledger(idOf(0)).read();
  assert.equal((await ids(store, { since: new Date(row!.at) })).length, COUNT);
  assert.equal((await ids(store, { since: new Date(Date.now() + 1000) })).length, 0);
});

it("remembers no ledger, and reads no more campaigns than it lists", async () => {
  const store = await recorded();
  let reads = 0;
  const counting: Store = {
    ...store,
    ledger: () => assert.fail("the store would keep the rows"),
    backend: {
      ...store.backend,
      get: (key) => {
        reads += 1;
        return store.backend.get(key);
      },
    },
  };
  assert.equal((await ids(counting, { after: idOf(99), limit: 16 })).length, 16);
  assert.equal(reads, 16 * 3);
});

it("a damaged campaign hides no other one", async () => {
  const store = await recorded();
  await store.backend.delete(ledgerKey(idOf(1), 1));
  await store.backend.put(ledgerKey(idOf(2), 2), Buffer.from("{}"));
  await assert.rejects(ids(store), { code: "ledger_broken" });
  const damaged: string[] = [];
  const found = await ids(store, { onDamaged: (id, { code }) => damaged.push(`${id} ${code}`) });
  assert.deepEqual(damaged, [`${idOf(1)} ledger_broken`, `${idOf(2)} ledger_broken`]);
  assert.equal(found.length, COUNT - 2);
});
