/* oxlint-disable max-lines -- one contract, which each backend's test runs whole */
// Maintenance of a store on every backend: verify, prune, copy, erase.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { referencesPrefix, resultsPrefix } from "../../campaign/ids.ts";
import { copyCampaign } from "../../client/maintenance/copy.ts";
import { erasePrompt } from "../../client/maintenance/erase.ts";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { requireCampaign } from "../../client/record/record.ts";
import { ReachableSet } from "../../client/maintenance/reachable-set.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { sha256, storeOn } from "../../store/index.ts";
import type { Backend, Store } from "../../store/types.ts";
import { agedStore } from "../support/aged-store.ts";
import { recordCampaign } from "../support/recorded-campaign.ts";
import type { Recorded } from "../support/recorded-campaign.ts";

const WHO = { by: "ada", why: "asked to" };
/** S3 tells times in whole seconds. After this wait an object is older than a grace period of 0. */
const TICK_MS = 1_100;
const HOUR_MS = 3_600_000;

/** The cases of a group share a store; the groups run side by side. */
const ONE_BY_ONE = { concurrency: 1 };

const another = async (): Promise<Store> => ({ ...(await storeOn(memoryBackend())), name: "memory:another" });

// oxlint-disable-next-line max-lines-per-function -- describe blocks
export function maintenanceContract(
  name: string,
  open: () => Promise<Backend>,
  skip: string | false = false,
): void {
  describe(`maintenance of a store on ${name}`, { skip, timeout: 400_000, concurrency: true }, () => {
    const fresh = async (): Promise<{ store: Store; made: Recorded }> => {
      const store = await storeOn(await open());
      return { store, made: await recordCampaign(store, "done") };
    };
    const whole = async (on: Store, id: string) => (await verifyCampaign(on, id)).problems;

    describe("prune", ONE_BY_ONE, () => {
      let store: Store;
      let made: Recorded;
      before(async () => ({ store, made } = await fresh()));

      it("deletes garbage older than the grace period, and nothing that a campaign needs", async () => {
        await recordCampaign(store, "running", "running");
        const garbage = await store.putBlob("nothing names this");
        const old = await agedStore(store, 2 * HOUR_MS);
        const dry = await pruneStore(old, { dryRun: true, graceMs: 0 });
        assert.ok(await store.hasBlob(garbage), "a dry run deletes nothing");
        assert.equal(
          (await pruneStore(store, { dryRun: false, graceMs: HOUR_MS })).blobs.count,
          0,
          "too young",
        );
        const pruned = await pruneStore(old, { dryRun: false, graceMs: HOUR_MS });
        assert.deepEqual(pruned.blobs, dry.blobs);
        assert.equal(
          pruned.blobs.count,
          5,
          "garbage; tree, weights and result of the deleted checkpoint; the stored reference",
        );
        assert.equal(await store.hasBlob(garbage), false);
        assert.deepEqual([...(await whole(store, "done")), ...(await whole(store, "running"))], []);
        const reachable = new ReachableSet(store);
        await reachable.campaign("running");
        assert.equal(
          reachable.manifests.filter((key) => key.includes("/work/")).length,
          2,
          "a campaign that has not completed keeps its checkpoint and its stored reference",
        );
        assert.equal(pruned.checkpoints.count, 2, "a completed campaign does not");
        assert.equal((await pruneStore(old, { dryRun: false, graceMs: HOUR_MS })).blobs.count, 0);
      });

      it("refuses a grace below an hour while a campaign is open, and deletes nothing", async () => {
        const garbage = await store.putBlob("young garbage beside an open campaign");
        const old = await agedStore(store, 2 * HOUR_MS);
        for (const graceMs of [0, HOUR_MS - 1])
          await assert.rejects(pruneStore(old, { dryRun: false, graceMs }), {
            code: "campaign_open",
            message: /^running is running/,
          });
        assert.ok(await store.hasBlob(garbage));
        await pruneStore(old, { dryRun: true, graceMs: 0 });
      });

      it("deletes no file that is no blob, also among the blobs", async () => {
        const foreign = [
          "blobs/sha256/README",
          "blobs/sha256/aa/notes.txt",
          `blobs/sha256/zz/${made.weights}`,
        ];
        for (const key of foreign) await store.backend.put(key, new TextEncoder().encode("mine"));
        await pruneStore(await agedStore(store, 2 * HOUR_MS), { dryRun: false, graceMs: HOUR_MS });
        for (const key of foreign) assert.ok(await store.backend.stat(key), key);
        const found = (await verifyCampaign(store, "done")).problems.map(({ what }) => what);
        assert.deepEqual(found.sort(), foreign.sort(), "verify names them");
        // It has read all blobs before it refuses.
        await assert.rejects(erasePrompt(store, "p1", { ...WHO, requestId: "dry", dryRun: true }), {
          code: "campaign_open",
        });
        for (const key of foreign) await store.backend.delete(key);
      });

      it("keeps an old blob that a writer has just written again", async () => {
        const reused = await store.putBlob("made before, wanted now");
        const { modifiedMs = 0 } =
          (await store.backend.stat(`blobs/sha256/${reused.slice(0, 2)}/${reused}`)) ?? {};
        await sleep(TICK_MS);
        // In this store everything was written two hours ago, until it is written again.
        const touched = new Set<string>();
        const backend: Backend = {
          ...store.backend,
          stat: async (key) => {
            const found = await store.backend.stat(key);
            return (
              found && {
                ...found,
                modifiedMs: touched.has(key) ? found.modifiedMs : found.modifiedMs - 2 * 3_600_000,
              }
            );
          },
          put: (key, bytes) => (touched.add(key), store.backend.put(key, bytes)),
        };
        const old = await storeOn(backend);
        await old.putBlob("made before, wanted now");
        const now = await store.backend.stat(`blobs/sha256/${reused.slice(0, 2)}/${reused}`);
        assert.ok((now?.modifiedMs ?? 0) > modifiedMs, "it was written again");
      });

      it("does not let a manifest name a blob that was deleted", async () => {
        const lost = sha256("never there");
        await assert.rejects(
          store.commitManifest(
            `${resultsPrefix("done")}it-0009.1/pair/x.json`,
            { schema: "ratchet.pair/1", result: { pairs: lost }, facts: {} },
            [lost],
          ),
          { code: "blob_vanished", kind: "resource" },
        );
        assert.equal(await store.readManifest(`${resultsPrefix("done")}it-0009.1/pair/x.json`), undefined);
      });

      it("deletes nothing if a record cannot be read", async () => {
        const key = `${resultsPrefix("done")}it-0001.1/train/d.json`;
        const manifest = (await store.backend.get(key)) as Uint8Array;
        const garbage = await store.putBlob("garbage beside damage");
        await store.backend.put(key, manifest.slice(0, -9));
        await assert.rejects(
          pruneStore(await agedStore(store, 2 * HOUR_MS), { dryRun: false, graceMs: HOUR_MS }),
          { code: "artifact_corrupt" },
        );
        assert.ok(await store.hasBlob(garbage));
        await store.backend.put(key, manifest);
      });

      it("works with a damaged reference, because other records name everything that it names", async () => {
        await recordCampaign(store, "going", "running");
        for await (const key of store.backend.list(referencesPrefix("going")))
          await store.backend.put(key, new TextEncoder().encode("{"));
        await pruneStore(store, { dryRun: false, graceMs: HOUR_MS });
        assert.deepEqual(
          (await whole(store, "going")).map(({ code }) => code),
          ["artifact_corrupt"],
        );
      });
    });

    describe("verify", ONE_BY_ONE, () => {
      let store: Store;
      before(async () => ({ store } = await fresh()));

      it("ignores foreign files in a campaign's folder, reports changed and moved manifests", async () => {
        const { backend } = store;
        for (const name of ["results/.DS_Store", "results/it-0001.1/train/notes.txt", "work/d.json~"])
          await backend.put(`campaigns/done/${name}`, new TextEncoder().encode("mine"));
        assert.deepEqual(await whole(store, "done"), []);
        const key = `${resultsPrefix("done")}it-0001.1/pair/c.json`;
        const text = new TextDecoder().decode(await backend.get(key));
        await backend.put(key, new TextEncoder().encode(text.replace('"facts":{}', '"facts":{"attempt":1}')));
        await backend.put(key.replace("it-0001.1", "it-0002.1"), new TextEncoder().encode(text));
        const problems = (await verifyCampaign(store, "done")).problems.filter(
          ({ code }) => code === "artifact_corrupt",
        );
        assert.deepEqual(
          problems.map(({ what }) => what),
          [key, key.replace("it-0001.1", "it-0002.1")],
        );
      });
    });

    describe("the head of a ledger", ONE_BY_ONE, () => {
      let store: Store;
      before(async () => ({ store } = await fresh()));
      const lastRow = async (): Promise<string> => {
        const keys: string[] = [];
        for await (const key of store.backend.list("campaigns/done/ledger/")) keys.push(key);
        return keys.at(-1) as string;
      };

      it("is printed by verify: the SHA-256 of the last row; any earlier head is still found", async () => {
        const { head, problems } = await verifyCampaign(store, "done");
        assert.deepEqual(problems, []);
        assert.equal(head, sha256((await store.backend.get(await lastRow())) as Uint8Array));
        const { digests } = await store.ledger("done").readSealed();
        for (const earlier of digests)
          assert.deepEqual((await verifyCampaign(store, "done", { head: earlier })).problems, []);
        await assert.rejects(verifyCampaign(store, "done", { head: "12ab" }), { code: "usage_invalid" });
      });

      it("is missed if the last rows were removed, which nothing else shows", async () => {
        const { head } = await verifyCampaign(store, "done");
        const key = await lastRow();
        const row = (await store.backend.get(key)) as Uint8Array;
        await store.backend.delete(key);
        assert.deepEqual(await whole(store, "done"), [], "a campaign that has not completed looks like this");
        const { problems } = await verifyCampaign(store, "done", { head });
        assert.deepEqual(
          problems.map(({ code, what }) => [code, what]),
          [["head_missing", head]],
        );
        await store.backend.put(key, row);
        assert.deepEqual((await verifyCampaign(store, "done", { head })).problems, []);
      });
    });

    describe("copy", ONE_BY_ONE, () => {
      let store: Store;
      let made: Recorded;
      before(async () => ({ store, made } = await fresh()));

      it("refuses the same store under another name before it writes a row", async () => {
        await recordCampaign(store, "open", "running");
        const { rows } = await requireCampaign(store, "open");
        for (const id of ["open", "done"])
          await assert.rejects(copyCampaign(store, { ...store, name: "dir:/a/link" }, id, WHO), {
            code: "usage_invalid",
            message: /under another name/,
          });
        assert.deepEqual((await requireCampaign(store, "open")).rows, rows);
        for await (const key of store.backend.list("probes/")) assert.fail(`${key} is left`);
      });

      it("copies a completed campaign whole; a second copy copies nothing", async () => {
        const other = await another();
        const copied = await copyCampaign(store, other, "done", WHO);
        assert.deepEqual([copied.moved, copied.rows, copied.manifests], [false, 5, 7]);
        assert.deepEqual(await whole(other, "done"), []);
        const again = await copyCampaign(store, other, "done", WHO);
        assert.deepEqual([again.blobs, again.manifests], [0, 0]);
        assert.equal((await requireCampaign(store, "done")).record.status, "completed");
      });

      it("moves an unfinished campaign: its old writer loses the lease, the ledger stays", async () => {
        await recordCampaign(store, "half", "running");
        const { rows } = await requireCampaign(store, "half");
        const other = await another();
        assert.equal((await copyCampaign(store, other, "half", WHO)).moved, true);
        assert.deepEqual((await requireCampaign(other, "half")).rows, rows);
        assert.deepEqual(await whole(other, "half"), []);
        const { record } = await requireCampaign(store, "half");
        assert.deepEqual([record.status, record.failure?.code], ["moved", "campaign_moved"]);
        await assert.rejects(
          store
            .ledger("half")
            .append({ id: "late", epoch: 1, event: { type: "resumed", by: "w", why: "" }, by: "w" }),
          { code: "lease_lost" },
        );
        assert.equal(
          (await copyCampaign(store, other, "half", WHO)).rows,
          rows.length,
          "an interrupted copy can be finished",
        );
        await assert.rejects(copyCampaign(store, { ...other, name: "memory:third" }, "half", WHO), {
          code: "campaign_moved",
        });
      });

      it("refuses to mix two campaigns of one name, and to copy damage", async () => {
        const other = await another();
        await recordCampaign(other, "done", "running");
        await assert.rejects(copyCampaign(store, other, "done", WHO), { code: "campaign_differs" });
        const key = `blobs/sha256/${made.weights.slice(0, 2)}/${made.weights}`;
        const bytes = (await store.backend.get(key)) as Uint8Array;
        await store.backend.delete(key);
        await assert.rejects(copyCampaign(store, await another(), "done", WHO), {
          code: "artifact_corrupt",
          message: new RegExp(made.weights),
        });
        await store.backend.put(key, bytes);
      });
    });

    describe("erase", ONE_BY_ONE, () => {
      let store: Store;
      let made: Recorded;
      before(async () => ({ store, made } = await fresh()));
      const request = { ...WHO, requestId: "r1", dryRun: false };

      it("removes every row of a prompt, by id or by its text, and leaves the others readable", async () => {
        const dry = await erasePrompt(store, "p2", { ...request, dryRun: true });
        assert.deepEqual([dry.blobs, dry.rows, dry.campaigns], [4, 4, ["done"]]);
        await store.getBlob(made.ofP2[0] ?? "");
        await erasePrompt(store, "p2", request);
        for (const digest of made.ofP2)
          await assert.rejects(store.getBlob(digest), {
            code: "artifact_erased",
            message: /by ada: asked to/,
          });
        const left = (await Promise.all(made.ofP2.map((digest) => store.getRemainder(digest))))
          .map((bytes) => new TextDecoder().decode(bytes))
          .join("");
        assert.match(left, /one\?[\s\S]*no[\s\S]*first/);
        for await (const { key } of store.backend.entries("blobs/")) {
          const text = new TextDecoder().decode(await store.backend.get(key));
          assert.doesNotMatch(text, /secret|two\?|as p2 said|"logps"/, key);
        }
        for await (const key of store.backend.list(referencesPrefix("done")))
          assert.fail(`${key} belongs to erased answers`);
      });

      it("is no damage for verify, has a row without the prompt's id, survives prune and copy", async () => {
        const { problems, erased } = await verifyCampaign(store, "done");
        assert.deepEqual(problems, []);
        assert.deepEqual(
          [...erased].sort((a, b) => (a < b ? -1 : 1)),
          [...made.ofP2].sort((a, b) => (a < b ? -1 : 1)),
        );
        const row = (await requireCampaign(store, "done")).rows.at(-1)?.event;
        assert.ok(row?.type === "erased" && row.why === "asked to" && row.prompt === sha256("p2"));
        assert.doesNotMatch(JSON.stringify(row), /p2/);
        await sleep(TICK_MS);
        await pruneStore(store, { dryRun: false, graceMs: 0 });
        assert.deepEqual((await verifyCampaign(store, "done")).problems, []);
        const other = await another();
        await copyCampaign(store, other, "done", WHO);
        assert.equal((await verifyCampaign(other, "done")).erased.length, 4);
      });

      it("finds erased text that somebody wrote again, and erases it once more", async () => {
        await store.putBlob('{"prompt_id":"p2","prompt":"two?","chosen":"secret","rejected":"no"}\n');
        assert.deepEqual(
          (await verifyCampaign(store, "done")).problems.map(({ code }) => code),
          ["erased_present"],
        );
        await recordCampaign(store, "later");
        await erasePrompt(store, "p2", { ...request, requestId: "r2" });
        assert.deepEqual((await verifyCampaign(store, "done")).problems, []);
        assert.deepEqual((await verifyCampaign(store, "later")).problems, []);
      });

      it("refuses a prompt that no campaign has, and a campaign that has not ended", async () => {
        await assert.rejects(erasePrompt(store, "p9", request), { code: "prompt_unknown" });
        await recordCampaign(store, "open", "running");
        await assert.rejects(erasePrompt(store, "p1", request), { code: "campaign_open", message: /^open / });
      });
    });
  });
}
