import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { memoryBackend } from "./backends/memory.ts";
import { openCache } from "./cache.ts";
import type { Cache } from "./cache.ts";
import { storeOn } from "./index.ts";

const scratch = await mkdtemp(join(tmpdir(), "ratchet-cache-test-"));
after(() => rm(scratch, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;

/**
 * A store of four trees of 1,000 bytes each, and a cache over it; `read` are the keys that were asked of the
 * backend.
 */
async function fourTrees(
  maxBytes: number,
): Promise<{ cache: Cache; dir: string; trees: string[]; read: string[] }> {
  const backend = memoryBackend();
  const read: string[] = [];
  const store = await storeOn({
    ...backend,
    get: (key) => (read.push(key), backend.get(key)),
    getFile: (key, path) => (read.push(key), backend.getFile(key, path)),
  });
  const trees: string[] = [];
  for (const letter of ["a", "b", "c", "d"]) {
    const made = await mkdtemp(join(scratch, "tree-"));
    await writeFile(join(made, "model.safetensors"), letter.repeat(1000));
    trees.push(await store.putTree(made));
  }
  read.length = 0;
  const dir = await mkdtemp(join(scratch, "cache-"));
  return { cache: openCache({ dir, maxBytes, store }), dir, trees, read };
}

/** Makes an entry's last use one hour ago, plus `order` ms. */
async function aged(path: string, order: number): Promise<void> {
  const then = new Date(Date.now() - HOUR_MS + order);
  await utimes(path, then, then);
}

it("a later shard does not download or hash the policy again", async () => {
  const { cache, trees, read } = await fourTrees(1e9);
  const path = await cache.tree(trees[0]!);
  assert.ok(read.length > 0);
  read.length = 0;
  assert.equal(await cache.tree(trees[0]!), path);
  assert.deepEqual(read, [], "the store was not asked again");
  // Nor was anything hashed: that would have found these other bytes.
  await writeFile(join(path, "model.safetensors"), "o".repeat(1000));
  assert.equal(
    await readFile(join(await cache.tree(trees[0]!), "model.safetensors"), "utf8"),
    "o".repeat(1000),
  );
});

it("shards that begin at the same time download the policy once", async () => {
  const { cache, trees, read } = await fourTrees(1e9);
  const paths = await Promise.all([cache.tree(trees[0]!), cache.tree(trees[0]!), cache.tree(trees[0]!)]);
  assert.equal(new Set(paths).size, 1);
  assert.equal(new Set(read).size, read.length, "no object was read twice");
});

it("above its limit the cache deletes what was unused longest, and no more than it must", async () => {
  const { cache, dir, trees } = await fourTrees(3000);
  const paths = [];
  for (const tree of trees.slice(0, 3)) paths.push(await cache.tree(tree));
  for (const [order, path] of paths.entries()) await aged(path, order);
  // Use the oldest again: now the second is the oldest.
  await cache.tree(trees[0]!);
  const fourth = await cache.tree(trees[3]!);
  assert.deepEqual(
    new Set((await readdir(dir)).map((name) => join(dir, name))),
    new Set([paths[0], paths[2], fourth]),
  );
});

it("an entry in use is never deleted, even above the limit", async () => {
  const { cache, trees } = await fourTrees(500);
  for (const tree of trees) await cache.tree(tree);
  for (const tree of trees) assert.ok((await stat(await cache.tree(tree))).isDirectory());
});

it("a deleted entry is downloaded again", async () => {
  const { cache, trees, read } = await fourTrees(1000);
  const path = await cache.tree(trees[0]!);
  await aged(path, 0);
  await cache.tree(trees[1]!);
  await assert.rejects(stat(path));
  read.length = 0;
  assert.equal(
    await readFile(join(await cache.tree(trees[0]!), "model.safetensors"), "utf8"),
    "a".repeat(1000),
  );
  assert.ok(read.length > 0);
});

it("a failed download leaves nothing that looks like the entry", async () => {
  const { cache, dir } = await fourTrees(1e9);
  await assert.rejects(cache.tree("0".repeat(64)));
  assert.deepEqual(await readdir(dir), []);
});
