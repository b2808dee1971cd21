/* oxlint-disable max-lines -- one contract, which each backend's test runs whole */
// What every backend promises, and the store on top of it.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { storeOn } from "../../store/index.ts";
import { blobKey } from "../../store/layout.ts";
import type { Backend, Store } from "../../store/types.ts";

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes ? new TextDecoder().decode(bytes) : undefined;
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

async function all(keys: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const key of keys) found.push(key);
  return found;
}

// oxlint-disable-next-line max-lines-per-function -- describe blocks
export function storeContract(
  name: string,
  open: () => Promise<Backend>,
  skip: string | false = false,
): void {
  describe(`store on ${name}`, { skip, timeout: 120_000 }, () => {
    let backend: Backend;
    let store: Store;
    let scratch: string;
    before(async () => {
      backend = await open();
      store = await storeOn(backend);
      scratch = await mkdtemp(join(tmpdir(), "ratchet-contract-"));
    });
    after(() => (scratch ? rm(scratch, { recursive: true, force: true }) : undefined));

    it("lets exactly one of 32 racing creators win, and all read its bytes", async () => {
      for (let round = 0; round < 5; round += 1) {
        const key = `race/${round}`;
        const outcomes = await Promise.all(
          Array.from({ length: 32 }, (_, racer) => backend.putIfAbsent(key, bytes(`racer ${racer}`))),
        );
        const winner = outcomes.indexOf("created");
        assert.equal(outcomes.filter((outcome) => outcome === "created").length, 1);
        assert.equal(text(await backend.get(key)), `racer ${winner}`);
      }
    });

    it("lists the keys of a prefix in ascending order, and no others", async () => {
      for (const key of ["list/b/2", "list/a", "list/b/1", "lister/x"]) await backend.put(key, bytes(key));
      assert.deepEqual(await all(backend.list("list/")), ["list/a", "list/b/1", "list/b/2"]);
      assert.deepEqual(await all(backend.list("list/b/1")), ["list/b/1"]);
      assert.deepEqual(await all(backend.list("nothing/")), []);
      assert.deepEqual(await all(backend.list("list/", "list/a")), ["list/b/1", "list/b/2"]);
      assert.deepEqual(await all(backend.list("list/", "list/b/2")), []);
    });

    it("names each folder below a prefix once, without its contents", async () => {
      for (const key of ["folders/b/x/1", "folders/b/2", "folders/a/1", "folders/file"])
        await backend.put(key, bytes(key));
      assert.deepEqual(await all(backend.folders("folders/")), ["a", "b"]);
      assert.deepEqual(await all(backend.folders("no-folders/")), []);
    });

    it("tells an object's size and time of writing", async () => {
      await backend.put("looked-at", bytes("12345"));
      const found = await backend.stat("looked-at");
      assert.deepEqual([found?.key, found?.sizeBytes], ["looked-at", 5]);
      // S3 tells whole seconds, and its clock may differ by up to a minute.
      assert.ok(Math.abs(Date.now() - (found?.modifiedMs ?? 0)) < 60_000);
    });

    it("has no bytes, no size and no file for a key that does not exist", async () => {
      assert.equal(await backend.get("absent"), undefined);
      assert.equal(await backend.stat("absent"), undefined);
      assert.equal(await backend.getFile("absent", join(scratch, "absent")), undefined);
      assert.equal(await backend.digest("absent"), undefined);
      await backend.delete("absent");
    });

    it("uploads and downloads a file of many parts unchanged", async () => {
      const path = join(scratch, "large");
      const large = Buffer.alloc(40 * 1024 ** 2);
      for (let at = 0; at < large.length; at += 4096) large.writeUInt32LE(at, at);
      await writeFile(path, large);
      const { digest, sizeBytes } = await store.putBlobFile(path);
      assert.equal(sizeBytes, large.length);
      await store.getBlobFile(digest, `${path}.back`);
      assert.equal(Buffer.compare(await readFile(`${path}.back`), large), 0);
    });

    it("finds one changed byte in the last part of a large file", async () => {
      const path = join(scratch, "sound");
      const large = Buffer.alloc(40 * 1024 ** 2, 1);
      await writeFile(path, large);
      const { digest } = await store.putBlobFile(path);
      large[large.length - 1] = 0;
      await writeFile(`${path}.flipped`, large);
      await backend.putFile(blobKey(digest), `${path}.flipped`);
      await assert.rejects(store.getBlobFile(digest, `${path}.back`), { code: "artifact_corrupt" });
      assert.notEqual(await backend.digest(blobKey(digest)), digest);
      await store.putBlobFile(path);
      assert.equal(await backend.digest(blobKey(digest)), digest);
    });

    it("finds one changed byte in a blob, and repairs it by writing the same content again", async () => {
      const digest = await store.putBlob("the right words");
      await backend.put(`blobs/sha256/${digest.slice(0, 2)}/${digest}`, bytes("the wrong words"));
      await assert.rejects(store.getBlob(digest), { code: "artifact_corrupt" });
      await assert.rejects(store.getBlobFile(digest, join(scratch, "damaged")), { code: "artifact_corrupt" });
      assert.equal(await store.putBlob("the right words"), digest);
      assert.equal(text(await store.getBlob(digest)), "the right words");
    });

    it("names a missing blob", async () => {
      await assert.rejects(store.getBlob("0".repeat(64)), { code: "artifact_missing" });
    });

    it("gives equal folders equal tree digests, and downloads them", async () => {
      const dir = join(scratch, "tree");
      await mkdir(join(dir, "inner"), { recursive: true });
      await writeFile(join(dir, "b"), "2");
      await writeFile(join(dir, "inner", "a"), "1");
      const digest = await store.putTree(dir);
      await store.getTree(digest, join(scratch, "again"));
      assert.equal(await readFile(join(scratch, "again", "inner", "a"), "utf8"), "1");
      assert.equal(await store.putTree(join(scratch, "again")), digest);
    });

    it("follows the links in a folder, and writes no file outside of it", async () => {
      const dir = join(scratch, "links");
      await mkdir(dir);
      await writeFile(join(scratch, "target"), "linked");
      await symlink(join(scratch, "target"), join(dir, "weights"));
      const digest = await store.putTree(dir);
      assert.deepEqual(
        (await store.getJson<{ files: { path: string }[] }>(digest)).files.map(({ path }) => path),
        ["weights"],
      );
      const blob = await store.putBlob("escaped");
      const outside = await store.putJson({
        schema: "ratchet.tree/1",
        files: [{ path: "../out", digest: blob, sizeBytes: 7 }],
      });
      await assert.rejects(store.getTree(outside, join(scratch, "inside")), { code: "artifact_corrupt" });
    });

    it("finds a sound manifest at the key of another", async () => {
      const keys = [
        "campaigns/m/results/it-0002.1/pair/one.json",
        "campaigns/m/results/it-0002.1/pair/two.json",
      ] as const;
      for (const key of keys)
        await store.commitManifest(key, { schema: "test/1", result: { key }, facts: {} });
      await backend.put(keys[0], (await backend.get(keys[1])) as Uint8Array);
      await assert.rejects(store.readManifest(keys[0]), { code: "artifact_corrupt" });
    });

    it("commits a manifest once: the first commit wins, all other writers adopt it", async () => {
      const key = "campaigns/m/results/it-0001.1/train/a.json";
      const committed = await Promise.all(
        Array.from({ length: 8 }, (_, who) =>
          store.commitManifest(key, { schema: "test/1", result: { who }, facts: { who } }),
        ),
      );
      assert.equal(committed.filter(({ adopted }) => !adopted).length, 1);
      assert.equal(new Set(committed.map(({ digest }) => digest)).size, 1);
      assert.deepEqual(await store.getJson(committed[0]?.digest ?? ""), committed[0]?.manifest.result);
    });

    it("names a manifest that was changed", async () => {
      const key = "campaigns/m/results/it-0001.1/pair/b.json";
      await store.commitManifest(key, { schema: "test/1", result: { pairs: 10 }, facts: {} });
      const stored = text(await backend.get(key)) ?? "";
      await backend.put(key, bytes(stored.replace('"pairs":10', '"pairs":11')));
      await assert.rejects(store.readManifest(key), { code: "artifact_corrupt" });
    });

    it("keeps every row of two writers at once, in one chain, and appends an id only once", async () => {
      const [one, other] = [store.ledger("two"), store.ledger("two")];
      await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          (n % 2 === 0 ? one : other).append({ id: `row-${n % 9}`, epoch: 1, event: n, by: "test" }),
        ),
      );
      const rows = await store.ledger("two").read();
      assert.deepEqual(
        rows.map(({ n }) => n),
        [0, 1, 2, 3, 4, 5, 6, 7, 8],
      );
      assert.equal(new Set(rows.map(({ id }) => id)).size, 9);
    });

    it("takes a campaign over with a higher epoch; the old writer has then lost its lease", async () => {
      const ledger = store.ledger("taken");
      const first = await ledger.takeOver({ id: "opened:a", event: "a", by: "test" });
      const second = await ledger.takeOver({ id: "opened:b", event: "b", by: "test" });
      assert.deepEqual([first?.epoch, second?.epoch], [1, 2]);
      await assert.rejects(ledger.append({ id: "late", epoch: 1, event: "late", by: "test" }), {
        code: "lease_lost",
      });
      assert.equal((await ledger.append({ id: "next", epoch: 2, event: "next", by: "test" })).n, 2);
      assert.ok((await all(store.campaigns())).includes("taken"));
    });

    it("reads only rows that it does not know when it appends, also those of other writers", async () => {
      const read: string[] = [];
      const mine = await storeOn({ ...backend, get: (key) => (read.push(key), backend.get(key)) });
      const add = (on: Store, id: string) =>
        on.ledger("long").append({ id, epoch: 1, event: id, by: "test" });
      for (let n = 0; n < 5; n += 1) await add(mine, `mine-${n}`);
      read.length = 0;
      await add(mine, "mine-5");
      assert.deepEqual(read, []);
      await add(store, "other");
      read.length = 0;
      assert.equal((await add(mine, "mine-6")).n, 7);
      assert.deepEqual(read, ["campaigns/long/ledger/000000000006.json"]);
      assert.equal((await add(mine, "mine-0")).n, 0, "an old id is not appended again");
      assert.equal((await store.ledger("long").read()).length, 8);
    });

    it("lists campaigns without listing their contents", async () => {
      for (const id of ["one", "other"])
        await store.ledger(id).append({ id: "a", epoch: 1, event: "a", by: "test" });
      await backend.put("campaigns/no-ledger/results/x.json", bytes("{}"));
      const listed: string[] = [];
      const mine = await storeOn({
        ...backend,
        list: (prefix, after) => (listed.push(prefix), backend.list(prefix, after)),
      });
      const found = await all(mine.campaigns());
      assert.ok(["one", "other"].every((id) => found.includes(id)));
      assert.ok(!found.includes("no-ledger"));
      assert.deepEqual(listed, []);
    });

    it("ignores foreign files in a ledger's folder", async () => {
      await store.ledger("by-hand").append({ id: "a", epoch: 1, event: "a", by: "test" });
      for (const name of ["000000000000.json~", "notes.txt", ".DS_Store"])
        await backend.put(`campaigns/by-hand/ledger/${name}`, bytes("mine"));
      assert.equal(
        (await store.ledger("by-hand").append({ id: "b", epoch: 1, event: "b", by: "test" })).n,
        1,
      );
      assert.deepEqual(
        (await (await storeOn(backend)).ledger("by-hand").read()).map(({ id }) => id),
        ["a", "b"],
      );
    });

    it("probes the store once, and leaves nothing behind", async () => {
      await store.proveWrites();
      await store.proveWrites();
      assert.deepEqual(await all(backend.list("probes/")), []);
    });

    it("refuses a store whose conditional creates do not work, and says what it found", async () => {
      const careless = await storeOn({
        ...backend,
        putIfAbsent: async (key, content) => (await backend.put(key, content), "created"),
      });
      await assert.rejects(careless.proveWrites(), {
        code: "store_unsupported",
        message: /4 of 4 racing creates of one key won/,
      });
      assert.deepEqual(await all(backend.list("probes/")), []);
    });

    it("checks again whether it may take a campaign over if another writer was faster", async () => {
      const ledger = store.ledger("raced");
      let completed = false;
      const slow = await storeOn({
        ...backend,
        async putIfAbsent(key, row) {
          if (!completed) await ledger.append({ id: "completed", epoch: 0, event: "completed", by: "test" });
          completed = true;
          return backend.putIfAbsent(key, row);
        },
      });
      const ended = (rows: { event: string }[]): boolean => rows.some(({ event }) => event === "completed");
      assert.equal(
        await slow
          .ledger("raced")
          .takeOver<string>({ id: "opened:late", event: "opened", by: "test" }, ended),
        undefined,
      );
      assert.deepEqual(
        (await ledger.read<string>()).map(({ event }) => event),
        ["completed"],
      );
    });

    it("names the ledger row that was changed", async () => {
      const ledger = store.ledger("broken");
      for (const id of ["a", "b"]) await ledger.append({ id, epoch: 1, event: { id }, by: "test" });
      const key = "campaigns/broken/ledger/000000000000.json";
      await backend.put(
        key,
        bytes((text(await backend.get(key)) ?? "").replace('"by":"test"', '"by":"them"')),
      );
      await assert.rejects(store.ledger("broken").read(), { code: "ledger_broken" });
    });

    it("names a missing ledger row, and does not take it for the end", async () => {
      const ledger = store.ledger("gap");
      for (const id of ["a", "b", "c"]) await ledger.append({ id, epoch: 1, event: id, by: "test" });
      await backend.delete("campaigns/gap/ledger/000000000001.json");
      await assert.rejects(store.ledger("gap").read(), { code: "ledger_broken" });
      await assert.rejects(
        (await storeOn(backend)).ledger("gap").append({ id: "d", epoch: 1, event: "d", by: "test" }),
        { code: "ledger_broken" },
      );
    });

    it("appends after the rows that exist if the last rows that it remembers are gone", async () => {
      const ledger = store.ledger("shrunk");
      for (const id of ["a", "b", "c"]) await ledger.append({ id, epoch: 1, event: id, by: "test" });
      for (const n of [1, 2]) await backend.delete(`campaigns/shrunk/ledger/00000000000${n}.json`);
      assert.equal((await ledger.append({ id: "d", epoch: 1, event: "d", by: "test" })).n, 1);
    });

    it("refuses any other first row than `created`, and an empty ledger that had rows", async () => {
      const gone = { code: "store_unreachable", kind: "resource" };
      for (const type of ["failed", "opened", "cancelled", "repaired", "moved", "completed"])
        await assert.rejects(
          store.ledger("none").append({ id: type, epoch: 1, event: { type }, by: "test" }),
          gone,
        );
      await assert.rejects(
        store.ledger("none").takeOver({ id: "o", event: { type: "opened" }, by: "t" }),
        gone,
      );
      const ledger = store.ledger("emptied");
      const event = { type: "created" };
      for (const id of ["a", "b"]) await ledger.append({ id, epoch: 0, event, by: "test" });
      for (const n of [1, 0]) await backend.delete(`campaigns/emptied/ledger/00000000000${n}.json`);
      for (const again of [1, 2]) {
        await assert.rejects(ledger.append({ id: `c${again}`, epoch: 0, event, by: "test" }), gone);
        await assert.rejects(ledger.follow(), gone);
        await assert.rejects(ledger.read(), gone);
      }
      assert.deepEqual(await all(backend.list("campaigns/emptied/")), []);
    });

    it("is unreachable without ratchet.json, for writes and for reads that find nothing", async () => {
      const digest = await store.putBlob("written before");
      const format = (await backend.get("ratchet.json")) as Uint8Array;
      const before = await all(backend.list(""));
      await backend.delete("ratchet.json");
      await sleep(backend.presentForMs ?? 0);
      const path = join(scratch, "to-upload");
      await writeFile(path, "from a file");
      const { backend: checked } = store;
      const calls: Record<string, () => Promise<unknown>> = {
        put: () => checked.put("new", bytes("x")),
        putFile: () => checked.putFile("new", path),
        putIfAbsent: () => checked.putIfAbsent("new", bytes("x")),
        delete: () => checked.delete(blobKey(digest)),
        get: () => checked.get("absent"),
        digest: () => checked.digest("absent"),
        getFile: () => checked.getFile("absent", `${path}.back`),
        stat: () => checked.stat("absent"),
        list: () => all(checked.list("absent/")),
        folders: () => all(checked.folders("absent/")),
        putBlob: () => store.putBlob("a new blob"),
        putTree: () => store.putTree(scratch),
        getBlob: () => store.getBlob("0".repeat(64)),
        hasBlob: () => store.hasBlob("0".repeat(64)),
        readManifest: () => store.readManifest("campaigns/a/results/it-0001.1/train/a.json"),
        commitManifest: () => store.commitManifest("m.json", { schema: "t/1", result: {}, facts: {} }),
        append: () => store.ledger("new").append({ id: "a", epoch: 0, event: "a", by: "test" }),
        ledger: () => store.ledger("new").read(),
      };
      for (const [call, work] of Object.entries(calls))
        await assert.rejects(work(), { code: "store_unreachable", message: /is gone/ }, call);
      assert.deepEqual(
        await all(backend.list("")),
        before.filter((key) => key !== "ratchet.json"),
        "nothing was written",
      );
      assert.equal(text(await store.getBlob(digest)), "written before", "what is there can be read");
      await backend.put("ratchet.json", format);
      await store.putBlob("a new blob");
      assert.equal(await checked.get("absent"), undefined, "it is there again at once");
    });

    it("looks for ratchet.json once for many writes in a row, if each look costs a request", async () => {
      let looks = 0;
      const counting = await storeOn({
        ...backend,
        presentForMs: 60_000,
        stat: (key) => ((looks += Number(key === "ratchet.json")), backend.stat(key)),
      });
      looks = 0;
      for (let n = 0; n < 20; n += 1) await counting.putBlob(`one of many ${n}`);
      assert.equal(looks, 1);
    });

    it("refuses a store of a newer format", async () => {
      const before = await backend.get("ratchet.json");
      await backend.put("ratchet.json", bytes('{"format":99}\n'));
      await assert.rejects(storeOn(backend), { code: "store_format_newer" });
      await backend.put("ratchet.json", before as Uint8Array);
    });
  });
}
