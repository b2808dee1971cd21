// What every backend promises, and the store on top of it: one suite, run for memory, a directory and a real S3 server.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sha256, storeOn } from "../../store/index.ts";
import { blobKey, FORMAT_KEY, ledgerKey } from "../../store/layout.ts";
import type { Backend, Store } from "../../store/types.ts";

const LARGE_BYTES = 20 * 1024 ** 2 + 12_345; // three parts on S3, the last one short

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);
const coded = (code: string, said = /./) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code, error.stack);
  assert.match(error.message, said);
  return true;
};

async function collected<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** `make` gives a backend on a new, empty place; `again` another one, as a second process would have it, on the same place. */
export function storeContract(kind: string, make: () => Promise<{ backend: Backend; again: () => Backend }>, skip: string | false = false): void {
  describe(`${kind} store`, { skip }, () => {
    let backend: Backend;
    let store: Store;
    let other: Store;
    let folder: string;
    before(async () => {
      const made = await make();
      backend = made.backend;
      store = await storeOn(backend);
      other = await storeOn(made.again());
      folder = await mkdtemp(join(tmpdir(), "ratchet-store-"));
    });
    after(() => rm(folder, { recursive: true, force: true }));
    const damage = async (key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> => backend.put(key, change((await backend.get(key))!));
    const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 3 ? byte ^ 1 : byte));
    const shortened = (bytes: Uint8Array): Uint8Array => bytes.slice(0, -1);

    backendContract(() => backend, () => folder);

    test("opening a place without a store leaves nothing there; the first write says the format", async () => {
      const { backend: empty } = await make();
      const fresh = await storeOn(empty);
      assert.deepEqual(await collected(fresh.campaigns()), []);
      assert.deepEqual(await collected(empty.list("")), []);
      await fresh.putBlob("first");
      assert.equal(textOf(await empty.get(FORMAT_KEY)), '{"format":1}\n');
    });

    test("refuses a newer format, keeps unknown fields, and names a format that cannot be read", async () => {
      const { backend: place } = await make();
      const text = '{"format":1,"owner":"someone"}\n';
      await place.put(FORMAT_KEY, bytesOf(text));
      await (await storeOn(place)).putBlob("x");
      assert.equal(textOf(await place.get(FORMAT_KEY)), text);
      await place.put(FORMAT_KEY, bytesOf('{"format":2}'));
      await assert.rejects(storeOn(place), coded("store_format_newer", /format 2, this version reads up to 1/));
      await place.put(FORMAT_KEY, bytesOf("{}"));
      await assert.rejects(storeOn(place), coded("artifact_corrupt", /ratchet\.json/));
    });

    test("a blob comes back as it was put, under the SHA-256 of its bytes", async () => {
      for (const bytes of [new Uint8Array(), bytesOf("naïve ☃"), randomBytes(100_000)]) {
        const digest = await store.putBlob(bytes);
        assert.equal(digest, sha256(bytes));
        assert.deepEqual(new Uint8Array(await store.getBlob(digest)), new Uint8Array(bytes));
      }
      assert.equal(await store.putJson({ b: 1, a: [true, null] }), sha256('{"a":[true,null],"b":1}'));
    });

    test("names a blob that is missing, changed in one bit, or cut short", async () => {
      const gone = sha256("never put");
      await assert.rejects(store.getBlob(gone), coded("artifact_missing", new RegExp(gone)));
      await assert.rejects(store.getBlobFile(gone, join(folder, "gone")), coded("artifact_missing"));
      assert.equal(await store.hasBlob(gone), false);
      for (const change of [flipped, shortened]) {
        const digest = await store.putBlob(randomBytes(1_000));
        await damage(blobKey(digest), change);
        await assert.rejects(store.getBlob(digest), coded("artifact_corrupt", new RegExp(digest)));
        await assert.rejects(store.getBlobFile(digest, join(folder, "damaged")), coded("artifact_corrupt"));
      }
      assert.deepEqual((await readdir(folder)).filter((name) => /gone|damaged/.test(name)), []);
    });

    test("a damaged blob is mended by putting the same content again", async () => {
      const bytes = randomBytes(5_000);
      const path = join(folder, "mend");
      await writeFile(path, bytes);
      const digest = await store.putBlob(bytes);
      for (const put of [() => store.putBlob(bytes), () => store.putBlobFile(path)]) {
        for (const change of [flipped, shortened]) {
          await damage(blobKey(digest), change);
          await put();
          assert.equal(sha256(await store.getBlob(digest)), digest);
        }
      }
    });

    test("a large file goes in and out by stream with its digest", async () => {
      const [path, back] = [join(folder, "large"), join(folder, "out", "large")];
      const bytes = randomBytes(LARGE_BYTES);
      await writeFile(path, bytes);
      const put = await store.putBlobFile(path);
      assert.deepEqual(put, { digest: sha256(bytes), sizeBytes: LARGE_BYTES });
      assert.deepEqual(await store.putBlobFile(path), put);
      assert.equal(await backend.sizeBytes(blobKey(put.digest)), LARGE_BYTES);
      await store.getBlobFile(put.digest, back);
      assert.equal(sha256(await readFile(back)), put.digest);
      assert.deepEqual(await readdir(join(folder, "out")), ["large"]);
    });

    test("equal folders have equal trees, wherever they lie and whatever was written first", async () => {
      const files = { "config.json": "{}", "sub/weights.bin": "weights", "sub-a/x": "", "a b/ü.txt": "ü" };
      const digests: string[] = [];
      for (const [name, entries] of [["one", Object.entries(files)], ["two", Object.entries(files).reverse()]] as const) {
        for (const [path, text] of entries) {
          await mkdir(join(folder, name, path, ".."), { recursive: true });
          await writeFile(join(folder, name, path), text);
        }
        digests.push(await store.putTree(join(folder, name, name === "two" ? "/" : "")));
      }
      assert.equal(digests[0], digests[1]);
      await store.getTree(digests[0]!, join(folder, "three"));
      for (const [path, text] of Object.entries(files)) assert.equal(await readFile(join(folder, "three", path), "utf8"), text);
      assert.equal(await store.putTree(join(folder, "three")), digests[0]);
    });

    test("a tree holds what its links point to", async () => {
      await mkdir(join(folder, "linked"));
      await writeFile(join(folder, "target"), "through a link");
      await symlink(join(folder, "target"), join(folder, "linked", "file"));
      await store.getTree(await store.putTree(join(folder, "linked")), join(folder, "followed"));
      assert.equal(await readFile(join(folder, "followed", "file"), "utf8"), "through a link");
      await symlink(folder, join(folder, "linked", "folder"));
      await assert.rejects(store.putTree(join(folder, "linked")), coded("tree_entry_unsupported", /folder/));
    });

    test("refuses a tree that would write outside its folder, and a blob that is no tree", async () => {
      for (const path of ["../out", "/etc/x", "a/../../b", "a\\..\\b", ""]) {
        const digest = await store.putJson({ schema: "ratchet.tree/1", files: [{ path, digest: sha256("x"), sizeBytes: 1 }] });
        await assert.rejects(store.getTree(digest, join(folder, "tree")), coded("artifact_corrupt", /names the path/));
      }
      await assert.rejects(store.getTree(await store.putBlob("null"), join(folder, "tree")), coded("artifact_corrupt", /is no tree/));
    });

    test("of two commits of a manifest the first is kept and the second adopts it", async () => {
      const key = "campaigns/c/results/it-0001.1/pair/a.json";
      const first = { schema: "ratchet.pair/1", result: { pairs: 3 }, facts: { host: "one" } };
      const one = await store.commitManifest(key, first);
      const two = await other.commitManifest(key, { ...first, facts: { host: "two" } });
      assert.deepEqual([one.adopted, two.adopted, one.digest, two.manifest.facts.host], [false, true, two.digest, "one"]);
      assert.equal((await other.readManifest<typeof first>(key))?.digest, one.digest);
      assert.equal(textOf(await store.getBlob(one.digest)), '{"pairs":3}');
      assert.equal(await store.readManifest("campaigns/c/results/none.json"), undefined);
    });

    test("of racing commits one wins and all end with its manifest", async () => {
      const commits = await Promise.all(Array.from({ length: 12 }, (_, n) => [store, other][n % 2]!.commitManifest("campaigns/c/results/race.json", { result: { n }, facts: {} })));
      assert.equal(commits.filter(({ adopted }) => !adopted).length, 1);
      assert.equal(new Set(commits.map(({ digest }) => digest)).size, 1);
    });

    test("names a manifest that was changed anywhere, or is no manifest", async () => {
      const key = "campaigns/c/results/damaged.json";
      const { digest } = await store.commitManifest(key, { result: { winRate: 0.5 }, facts: { host: "here" } });
      const whole = (await backend.get(key))!;
      const text = textOf(whole)!;
      for (const changed of [text.replace("0.5", "0.6"), text.replace("here", "away"), text.replace(digest, sha256("")), text.slice(0, -9), "null", "7", "{}"]) {
        await backend.put(key, bytesOf(changed));
        await assert.rejects(store.readManifest(key), coded("artifact_corrupt", new RegExp(key)), changed);
        await assert.rejects(store.commitManifest(key, { result: {}, facts: {} }), coded("artifact_corrupt"));
      }
    });

    ledgerContract(() => ({ backend, store, other }));
  });
}

function backendContract(backendOf: () => Backend, folderOf: () => string): void {
  test("keys are written, replaced, streamed, measured and deleted", async () => {
    const backend = backendOf();
    assert.equal(await backend.get("k/none"), undefined);
    assert.equal(await backend.stream("k/none"), undefined);
    assert.equal(await backend.sizeBytes("k/none"), undefined);
    await backend.put("k/a", bytesOf("first"));
    await backend.put("k/a", bytesOf("second"));
    assert.equal(textOf(await backend.get("k/a")), "second");
    assert.equal(textOf(Buffer.concat(await collected((await backend.stream("k/a"))!))), "second");
    assert.equal(await backend.sizeBytes("k/a"), 6);
    await writeFile(join(folderOf(), "file"), "from a file");
    await backend.putFile("k/a", join(folderOf(), "file"));
    assert.equal(textOf(await backend.get("k/a")), "from a file");
    await backend.delete("k/a");
    await backend.delete("k/a");
    assert.equal(await backend.get("k/a"), undefined);
  });

  test("one of 32 racing creates wins, and its bytes are kept", async () => {
    const backend = backendOf();
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.all(Array.from({ length: 32 }, (_, racer) => backend.putIfAbsent(`race/${round}`, bytesOf(`racer ${racer}`))));
      const winners = outcomes.flatMap((outcome, racer) => (outcome === "created" ? [racer] : []));
      assert.equal(winners.length, 1);
      assert.equal(textOf(await backend.get(`race/${round}`)), `racer ${winners[0]}`);
    }
  });

  test("lists keys in ascending order, by any prefix, and folders without what they hold", async () => {
    const backend = backendOf();
    const keys = ["list/a", "list/a-b", "list/a.json/x", "list/a/1", "list/a/2/z", "list/b/000000000010.json", "list/b/000000000009.json", "listed"];
    // A file `a` and a folder `a` cannot stand side by side in a directory.
    const writable = backend.name.startsWith("memory:") ? keys : keys.filter((key) => key !== "list/a");
    for (const key of [...writable].reverse()) await backend.put(key, bytesOf(key));
    const listed = (prefix: string): Promise<string[]> => collected(backend.list(prefix));
    assert.deepEqual(await listed("list/"), writable.filter((key) => key.startsWith("list/")).sort());
    assert.deepEqual(await listed("list"), writable.sort());
    assert.deepEqual(await listed("list/a/"), ["list/a/1", "list/a/2/z"]);
    assert.deepEqual(await listed("list/b/0000000000"), ["list/b/000000000009.json", "list/b/000000000010.json"]);
    assert.deepEqual(await listed("list/none/"), []);
    assert.deepEqual(await collected(backend.folders("list/")), ["a.json", "a", "b"].sort((x, y) => (`${x}/` < `${y}/` ? -1 : 1)));
    assert.deepEqual(await collected(backend.folders("none/")), []);
  });
}

interface Place {
  backend: Backend;
  store: Store;
  other: Store;
}

function ledgerContract(placeOf: () => Place): void {
  const row = (id: string, epoch = 1) => ({ id, epoch, event: { said: id }, by: "test" });

  test("two writers' appends interleave without loss", async () => {
    const { store, other } = placeOf();
    const ids = Array.from({ length: 10 }, (_, n) => `event-${n}`);
    await Promise.all([...ids.map((id) => store.ledger("two").append(row(`one-${id}`))), ...ids.map((id) => other.ledger("two").append(row(`two-${id}`)))]);
    const rows = await store.ledger("two").read();
    assert.deepEqual(rows.map(({ id }) => id).sort(), [...ids.map((id) => `one-${id}`), ...ids.map((id) => `two-${id}`)].sort());
    assert.deepEqual(rows.map(({ n }) => n), [...rows.keys()]);
    assert.deepEqual(await other.ledger("two").read(), rows);
  });

  test("an append that is repeated, by whomever, adds nothing", async () => {
    const { store, other } = placeOf();
    const first = await store.ledger("again").append(row("a"));
    await store.ledger("again").append(row("b"));
    assert.deepEqual(await store.ledger("again").append(row("a")), first);
    assert.deepEqual(await other.ledger("again").append({ ...row("a"), event: { said: "something else" } }), first);
    assert.equal((await store.ledger("again").read()).length, 2);
  });

  test("taking over raises the epoch once per id; the run before has lost its lease for good", async () => {
    const { store, other } = placeOf();
    const opened = (id: string) => ({ id, event: { type: "opened" }, by: "test" });
    assert.equal((await store.ledger("lease").takeOver(opened("run-1"))).epoch, 1);
    await store.ledger("lease").append(row("work", 1));
    assert.equal((await other.ledger("lease").takeOver(opened("run-2"))).epoch, 2);
    assert.equal((await other.ledger("lease").takeOver(opened("run-2"))).epoch, 2);
    await assert.rejects(store.ledger("lease").append(row("late", 1)), coded("lease_lost", /epoch 2, this run has 1/));
    assert.equal((await store.ledger("lease").append(row("work", 1))).n, 1); // was done before the lease was lost
    await other.ledger("lease").append(row("on", 2));
    assert.deepEqual((await store.ledger("lease").read()).map(({ id, epoch }) => [id, epoch]), [["run-1", 1], ["work", 1], ["run-2", 2], ["on", 2]]);
  });

  test("names the row that was changed, swapped, cut or lost", async () => {
    const { backend, store, other } = placeOf();
    const ledger = store.ledger("broken");
    for (let n = 0; n < 5; n += 1) await ledger.append(row(`row-${n}`));
    const rowBytes = async (n: number): Promise<Uint8Array> => (await backend.get(ledgerKey("broken", n)))!;
    const [second, third, last] = [await rowBytes(1), await rowBytes(2), await rowBytes(4)];
    const brokenBy = async (n: number, bytes: Uint8Array, said: RegExp): Promise<void> => {
      const whole = await rowBytes(n);
      await backend.put(ledgerKey("broken", n), bytes);
      await assert.rejects(ledger.read(), coded("ledger_broken", said));
      await assert.rejects(other.ledger("broken").append(row("more")), coded("ledger_broken", said));
      await backend.put(ledgerKey("broken", n), whole);
    };
    await brokenBy(2, bytesOf(textOf(third)!.replace("row-2", "row-x")), /row 2 .* seal/);
    await brokenBy(2, second, /row 2 .*calls itself row 1/);
    await brokenBy(2, third.slice(0, 10), /row 2 .*no JSON/);
    await brokenBy(4, bytesOf(textOf(last)!.replace("row-4", "row-y")), /row 4 .* seal/);
    await backend.delete(ledgerKey("broken", 3));
    await assert.rejects(ledger.read(), coded("ledger_broken", /row 3 .* is gone, but row 4/));
    await assert.rejects(other.ledger("broken").append(row("more")), coded("ledger_broken"));
  });

  test("a sealed row in the wrong chain is named", async () => {
    const { backend, store } = placeOf();
    for (const campaign of ["chain-a", "chain-b"]) for (const id of ["x", "y"]) await store.ledger(campaign).append(row(`${campaign}-${id}`));
    await backend.put(ledgerKey("chain-a", 1), (await backend.get(ledgerKey("chain-b", 1)))!);
    await assert.rejects(store.ledger("chain-a").read(), coded("ledger_broken", /row 1 .* follows a row of digest/));
  });

  test("an append costs the same behind one row and behind many", async () => {
    const { backend } = placeOf();
    let requests = 0;
    const counting: Backend = { ...backend, get: (key) => ((requests += 1), backend.get(key)), putIfAbsent: (key, bytes) => ((requests += 1), backend.putIfAbsent(key, bytes)) };
    const { ledger } = await storeOn(counting);
    for (let n = 0; n < 30; n += 1) await ledger("cheap").append(row(`row-${n}`));
    requests = 0;
    await ledger("cheap").append(row("next"));
    assert.ok(requests <= 4, `${requests} requests`);
  });

  test("campaigns are those with a first row", async () => {
    const { backend, store } = placeOf();
    await store.ledger("listed").append(row("a"));
    await backend.put("campaigns/empty/results/x.json", bytesOf("{}"));
    const ids = await collected(store.campaigns());
    assert.ok(ids.includes("listed") && !ids.includes("empty"), ids.join());
    assert.deepEqual(ids, [...ids].sort());
  });
}
