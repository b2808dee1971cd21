/* oxlint-disable max-lines -- one story: five verbs, each type of record */
// A later version adds a member that names a blob to some record. Verify, repair, prune, copy and erase,
// which do not know the member, must treat the blob right all the same.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { placeName, successorKey } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest, Manifest, StageInput, Tree } from "../../campaign/types.ts";
import { copyCampaign } from "../../client/maintenance/copy.ts";
import { erasePrompt } from "../../client/maintenance/erase.ts";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { repairCampaign } from "../../client/maintenance/repair.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import { finishedPlaces } from "../../client/record/places.ts";
import { requireCampaign } from "../../client/record/record.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { readErasure } from "../../store/erased.ts";
import { canonicalDigest, storeOn } from "../../store/index.ts";
import { blobKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import {
  BOOTSTRAP,
  ITERATION,
  PAIRS,
  putFolder,
  RECORDS,
  recordWhole,
  rowsOf,
} from "../support/whole-campaign.ts";
import type { Keys, RecordType } from "../support/whole-campaign.ts";

const ID = "whole";
const OPTIONS = { by: "ada", why: "a test", requestId: "r1" };

interface Made {
  store: Store;
  keys: Keys;
  /** Blobs that only the unknown members name. */
  blobs: { rows: Digest; tree: Digest; file: Digest; nested: Digest; document: Digest };
}

/** A campaign whose record of one type names blobs in members that this version does not know. */
async function madeUp(type: RecordType): Promise<Made> {
  const store = await storeOn(memoryBackend());
  const rows = await store.putBlob(
    rowsOf({ promptId: "p2", note: "secret" }, { promptId: "p1", note: "fine" }),
  );
  const tree = await putFolder(store, { "critic.safetensors": "weights of a critic" });
  const [file] = (await store.getJson<Tree>(tree)).files;
  const nested = await store.putBlob(rowsOf({ note: "named by a document" }));
  const document = await store.putJson({ schema: "ratchet.later/1", parts: [{ notes: nested }] });
  const more = { critic: tree, notes: { list: [{ rows }] }, report: document };
  const keys = await recordWhole(store, ID, { [type]: more });
  return { store, keys, blobs: { rows, tree, file: file?.digest ?? "", nested, document } };
}

const problemsOf = async (store: Store): Promise<string[]> =>
  (await verifyCampaign(store, ID, { campaignOnly: true })).problems.map(
    ({ code, what }) => `${code} ${what}`,
  );

async function damage(store: Store, digest: Digest): Promise<void> {
  await store.backend.put(blobKey(digest), new TextEncoder().encode("other bytes"));
}

/** Makes each manifest that was set aside once more, and puts the lost blob again, as a stage would. */
function gatewayThatMakes(store: Store, lost: Uint8Array): Gateway & { ran: string[] } {
  const ran: string[] = [];
  const runPlace = async (_id: string, _type: string, { place }: StageInput): Promise<unknown> => {
    ran.push(placeName(place));
    await store.putBlob(lost);
    const { record, rows } = await requireCampaign(store, ID);
    for (const [key, repairs] of repairsOf(rows)) {
      const found = await store.readManifest<Manifest>(key);
      assert.ok(found);
      const { schema, result } = found.manifest;
      await store.commitManifest(successorKey(key, repairs), { schema, result, facts: {} });
    }
    const finished = finishedPlaces(record).find(({ name }) => name === placeName(place));
    assert.ok(finished);
    return { policy: finished.policy, stages: finished.stages };
  };
  return { ran, runPlace, pollers: async () => [{ identity: "w", lastPollMs: 0 }] } as unknown as Gateway & {
    ran: string[];
  };
}

describe("a made-up member that names blobs", () => {
  for (const type of RECORDS) {
    describe(`in a record of type ${type}`, () => {
      it("is verified: damaged and missing blobs are found, also below a tree or a document", async () => {
        const { store, blobs } = await madeUp(type);
        assert.deepEqual(await problemsOf(store), []);
        for (const digest of Object.values(blobs)) {
          const sound = await store.getBlob(digest);
          await damage(store, digest);
          assert.deepEqual(await problemsOf(store), [`artifact_corrupt ${digest}`]);
          await store.backend.delete(blobKey(digest));
          assert.deepEqual(await problemsOf(store), [`artifact_missing ${digest}`]);
          await store.putBlob(sound);
        }
        assert.deepEqual(await problemsOf(store), []);
      });

      it("is kept by prune", async () => {
        const { store, blobs } = await madeUp(type);
        const garbage = await store.putBlob("nothing names this");
        await pruneStore(store, { dryRun: false, graceMs: 0 });
        assert.equal(await store.hasBlob(garbage), false);
        for (const digest of Object.values(blobs)) assert.ok(await store.hasBlob(digest));
      });

      it("is copied", async () => {
        const { store, blobs } = await madeUp(type);
        const other = { ...(await storeOn(memoryBackend())), name: "memory:other" };
        await copyCampaign(store, other, ID, OPTIONS);
        for (const digest of Object.values(blobs)) assert.ok(await other.hasBlob(digest));
        assert.deepEqual(await problemsOf(other), []);
      });

      it("loses the rows of an erased prompt, and verify counts them as erased", async () => {
        const { store, blobs } = await madeUp(type);
        const erased = await erasePrompt(store, "p2", { ...OPTIONS, dryRun: false });
        assert.deepEqual(erased.campaigns, [ID]);
        const { redacted = "" } = (await readErasure(store.backend, blobs.rows)) ?? {};
        assert.equal(
          new TextDecoder().decode(await store.getBlob(redacted)),
          rowsOf({ promptId: "p1", note: "fine" }),
        );
        assert.equal(await store.hasBlob(blobs.rows), false);
        const { problems, erased: found } = await verifyCampaign(store, ID);
        assert.deepEqual(problems, []);
        assert.ok(found.includes(blobs.rows));
      });
    });
  }

  const places: Partial<Record<RecordType, string>> = {
    sft: placeName(BOOTSTRAP),
    reward: placeName(BOOTSTRAP),
  };
  for (const type of RECORDS.filter((name) => !["spec", "ledger", "checkpoint", "logps"].includes(name)))
    it(`is repaired in a result of ${type}: sets its manifest aside and runs its place again`, async () => {
      for (const name of ["rows", "tree", "file", "nested", "document"] as const) {
        const { store, keys, blobs } = await madeUp(type);
        const gateway = gatewayThatMakes(store, await store.getBlob(blobs[name]));
        await damage(store, blobs[name]);
        const { setAside, dropped } = await repairCampaign(store, gateway, ID, OPTIONS);
        assert.deepEqual([setAside, dropped], [[keys[type]], []]);
        assert.deepEqual(gateway.ran, [places[type] ?? placeName(ITERATION)]);
        assert.deepEqual(await problemsOf(store), []);
      }
    });

  for (const type of ["checkpoint", "logps"] as const)
    it(`is dropped with its ${type}, which is work that can be done again`, async () => {
      for (const name of ["rows", "tree", "file", "nested", "document"] as const) {
        const { store, keys, blobs } = await madeUp(type);
        await damage(store, blobs[name]);
        const gateway = gatewayThatMakes(store, new Uint8Array());
        const { setAside, dropped } = await repairCampaign(store, gateway, ID, OPTIONS);
        assert.deepEqual([setAside, dropped, gateway.ran], [[], [keys[type]], []]);
      }
    });

  for (const type of ["spec", "ledger"] as const)
    it(`cannot be repaired in the ${type}, which nobody can make again`, async () => {
      for (const name of ["rows", "tree", "file", "nested", "document"] as const) {
        const { store, blobs } = await madeUp(type);
        await store.backend.delete(blobKey(blobs[name]));
        await assert.rejects(repairCampaign(store, gatewayThatMakes(store, new Uint8Array()), ID, OPTIONS), {
          code: "unrepairable",
          message: new RegExp(blobs[name]),
        });
        const { rows } = await requireCampaign(store, ID);
        assert.ok(!rows.some(({ event }) => event.type === "repaired"));
      }
    });

  it("is made again by its known maker if another record names it in an unknown member", async () => {
    const store = await storeOn(memoryBackend());
    const pairs = await store.putBlob(PAIRS);
    const keys = await recordWhole(store, ID, { promote: { judgedPairs: pairs } });
    const gateway = gatewayThatMakes(store, await store.getBlob(pairs));
    await damage(store, pairs);
    assert.deepEqual((await repairCampaign(store, gateway, ID, OPTIONS)).setAside, [keys.pair]);
  });

  it("is taken for missing if it holds a digest of no blob, which no known member does", async () => {
    const sound = await storeOn(memoryBackend());
    await recordWhole(sound, ID);
    assert.deepEqual(await problemsOf(sound), []);
    const later = await storeOn(memoryBackend());
    const digest = canonicalDigest("settings of a later stage");
    await recordWhole(later, ID, { pair: { otherSettings: digest } });
    assert.deepEqual(await problemsOf(later), [`artifact_missing ${digest}`]);
  });

  it("is no document if it is a list of one row, whose text may hold anything", async () => {
    const store = await storeOn(memoryBackend());
    const rows = await store.putBlob(rowsOf({ promptId: "p1", text: "0".repeat(64) }));
    await recordWhole(store, ID, { generate: { notes: rows } });
    assert.deepEqual(await problemsOf(store), []);
  });

  it("is searched for an erased prompt if the spec adds a list of prompts", async () => {
    const store = await storeOn(memoryBackend());
    await recordWhole(store, "plain");
    const list = await store.putBlob(rowsOf({ id: "x1", prompt: "only here" }));
    const spec = await store.getJson<{ prompts: object }>(
      (await requireCampaign(store, "plain")).record.specDigest,
    );
    await recordWhole(store, ID, { spec: { prompts: { ...spec.prompts, later: { rows: list, count: 1 } } } });
    const erased = await erasePrompt(store, "x1", { ...OPTIONS, dryRun: false });
    assert.deepEqual([erased.campaigns, erased.blobs], [[ID], 1]);
  });
});
