import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resultsPrefix } from "../../campaign/ids.ts";
import { smallSpec } from "../../activities/attempt/stage-context.test.support.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { rollbackTo } from "../../campaign/rollback.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { canonicalDigest, sha256, storeOn } from "../../store/index.ts";
import { exactBytes } from "../../store/exact-json.ts";
import { ledgerKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { readCampaign, requireCampaign } from "../record/record.ts";
import { repairCampaign } from "./repair.ts";
import { verifyCampaign } from "./verify.ts";

const ID = "done";

/** Writes other events in the place of a campaign's, with every seal and digest of a row computed again. */
async function rewrite(store: Store, events: unknown[]): Promise<void> {
  const rows = (await store.ledger(ID).read()) as unknown as LedgerRow[];
  let previous: string | null = null;
  for (const [n, event] of events.entries()) {
    const row = { ...rows[Math.min(n, rows.length - 1)], n, event, previous };
    const bytes = exactBytes({ ...row, seal: canonicalDigest(row) });
    await store.backend.put(ledgerKey(ID, n), bytes);
    previous = sha256(bytes);
  }
}

async function recorded(): Promise<{ store: Store; events: LedgerEvent[]; problems(): Promise<string[]> }> {
  const store = await storeOn(memoryBackend());
  await recordCampaign(store, ID);
  const events = (await store.ledger(ID).read<LedgerEvent>()).map(({ event }) => event);
  return {
    store,
    events,
    problems: async () =>
      (await verifyCampaign(store, ID)).problems.map(({ code, message }) => `${code}: ${message}`),
  };
}

const OTHER = "0".repeat(64);

describe("verify holds each decision against its results, although all seals are right", () => {
  const changes: [what: string, of: LedgerEvent["type"], change: object, message: RegExp][] = [
    ["another decision", "iteration-finished", { decision: "kept" }, /row 3 .* has the decision kept/],
    ["another policy", "iteration-finished", { policy: OTHER }, /row 3 .* has the policy 000/],
    [
      "a reward model that nothing trained",
      "iteration-finished",
      { rewardModel: OTHER },
      /the reward model 000/,
    ],
    ["replayed pairs that nothing made", "iteration-finished", { replay: OTHER }, /the replayed pairs 000/],
    ["no result of promote", "iteration-finished", { stages: {} }, /decides promoted without a result/],
    ["another promoted policy at the end", "completed", { promoted: OTHER }, /row 4 .* promoted policy 000/],
    ["another newest policy at the end", "completed", { latest: OTHER }, /row 4 .* latest policy 000/],
    [
      "another place",
      "iteration-finished",
      { iteration: 2 },
      /decides by the result of promote of it-0001.1/,
    ],
  ];
  for (const [what, of, change, message] of changes)
    it(what, async () => {
      const { store, events, problems } = await recorded();
      assert.deepEqual(await problems(), []);
      await rewrite(
        store,
        events.map((event) => (event.type === of ? { ...event, ...change } : event)),
      );
      const found = await problems();
      assert.ok(
        found.some((problem) => problem.startsWith("ledger_broken") && message.test(problem)),
        found.join("\n"),
      );
      await assert.rejects(
        repairCampaign(store, undefined as never, ID, { by: "ada", why: "", requestId: "r" }),
        { code: "unrepairable" },
      );
    });

  it("a rollback to a state that the rows before it do not give", async () => {
    const { store, events, problems } = await recorded();
    const rows = await store.ledger(ID).read<LedgerEvent>();
    const restored = rollbackTo(rows.slice(0, 4) as LedgerRow[], { iteration: 0 });
    assert.ok(typeof restored !== "string");
    const row = { type: "rolled-back", restored, by: "op", why: "" };
    await rewrite(store, [...events.slice(0, 4), row]);
    assert.deepEqual(await problems(), []);
    const forged = { ...restored, promoted: { ...restored.promoted, policy: OTHER } };
    await rewrite(store, [...events.slice(0, 4), { ...row, restored: forged }]);
    assert.match((await problems()).join(), /row 4 .* with another state than the rows before it give/);
    const unknown = { ...restored, latest: { ...restored.latest, iteration: 7 } };
    await rewrite(store, [...events.slice(0, 4), { ...row, restored: unknown }]);
    assert.match(
      (await problems()).join(),
      /row 4 .* rolls back, but take 1 of iteration 7 has not finished/,
    );
  });

  it("a decision against its win rate and the threshold of the spec", async () => {
    const { store, events, problems } = await recorded();
    const created = events[0] as LedgerEvent & { type: "created" };
    const spec = await store.getJson<object>(created.specDigest);
    const specDigest = await store.putJson({ ...spec, promote: { threshold: 0.9 } });
    for await (const key of store.backend.list(`${resultsPrefix(ID)}it-0001.1/promote/`)) {
      const { result } = (await store.readManifest<{ result: object }>(key))?.manifest ?? { result: {} };
      await store.backend.delete(key);
      const lost = { ...result, winRate: { value: 0.4, low: 0.3, high: 0.5 } };
      const { digest } = await store.commitManifest(key, {
        schema: "ratchet.promote/1",
        result: lost,
        facts: {},
      });
      const finished = events[3] as LedgerEvent & { type: "iteration-finished" };
      events[3] = { ...finished, stages: { ...finished.stages, promote: digest } };
    }
    await rewrite(store, [{ ...created, specDigest }, ...events.slice(1)]);
    assert.match(
      (await problems()).join(),
      /decided promoted, but by its win rates and the spec's promote it is kept/,
    );
  });
});

describe("verify holds amendments against the specs that they are between", () => {
  interface Amending {
    change?: Partial<CompiledSpec>;
    row?: object;
    /** Of the row before which it stands. */
    before?: number;
  }
  async function amended({ change = {}, row = {}, before = 4 }: Amending): Promise<string> {
    const { store, events, problems } = await recorded();
    const spec = await smallSpec(store);
    const [first, second] = [
      await store.putJson(spec),
      await store.putJson({ ...spec, iterations: 3, ...change }),
    ];
    const event = {
      type: "amended",
      specDigest: second,
      holdsFrom: { iteration: 2, take: 1 },
      changes: [{ path: "iterations", from: 2, to: 3 }],
      by: "ada",
      why: "",
      ...row,
    };
    await rewrite(store, [
      { ...events[0], specDigest: first },
      ...events.slice(1, before),
      event,
      ...events.slice(before),
    ]);
    return (await problems()).join("\n");
  }

  it("a true one is no problem", async () => assert.equal(await amended({}), ""));
  it("other changes than the specs have", async () => {
    const row = { changes: [{ path: "iterations", from: 2, to: 4 }] };
    assert.match(await amended({ row }), /row 4 .* names other changes than its spec has/);
  });
  it("a setting that no amendment may change", async () => {
    assert.match(await amended({ change: { seed: 8 } }), /row 4 .* no amendment may change: seed: 7 → 8/);
  });
  it("a place that is not next", async () => {
    const row = { holdsFrom: { iteration: 5, take: 1 } };
    assert.match(await amended({ row }), /amends from it-0005.1 on, but the next places are it-0002.1 and/);
  });
  it("an iteration that was not trained with the settings in force", async () => {
    const row = { holdsFrom: { iteration: 1, take: 1 } };
    assert.match(await amended({ row, before: 3 }), /not trained with the settings in force at it-0001.1/);
  });
});

describe("a sealed row that holds no event is named by its number", () => {
  const nonsense: [what: string, n: number, event: unknown][] = [
    ["null", 2, null],
    ["a number", 2, 7],
    ["a text", 2, "failed"],
    ["a list", 2, []],
    ["no type", 2, {}],
    ["a type that is no text", 2, { type: 5 }],
    ["a second creation", 2, { type: "created", specDigest: OTHER, name: "x" }],
    ["a failure as row 0", 0, { type: "failed", code: "x", message: "y" }],
    ["no stages", 3, { type: "iteration-finished", iteration: 1, take: 1, policy: OTHER, decision: "kept" }],
    ["no manifests", 2, { type: "repaired", manifests: null, by: "a", why: "b" }],
    ["no bootstrap", 2, { type: "bootstrap-finished", stages: {} }],
    ["nothing restored", 2, { type: "rolled-back", restored: { latest: null }, by: "a", why: "b" }],
    ["no changes", 2, { type: "amended", specDigest: OTHER, holdsFrom: { iteration: 1, take: 1 } }],
    ["no name", 0, { type: "created", specDigest: OTHER }],
  ];
  for (const [what, n, event] of nonsense)
    it(what, async () => {
      const { store, events, problems } = await recorded();
      await rewrite(store, Object.assign([...events], { [n]: event }));
      const fresh = await storeOn(store.backend);
      const named = { code: "ledger_broken", message: new RegExp(`^row ${n} of the ledger of done`) };
      await assert.rejects(requireCampaign(fresh, ID), named);
      await assert.rejects(readCampaign(fresh, ID), named);
      assert.match((await problems()).join(), new RegExp(`ledger_broken: row ${n} of`));
    });
});
