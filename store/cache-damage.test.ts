import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { memoryBackend } from "./backends/memory.ts";
import { openCache, storeOn } from "./index.ts";

const root = await mkdtemp(join(tmpdir(), "ratchet-cache-"));
after(() => rm(root, { recursive: true }));

/** `open`: the cache as a new process finds it. `fetches`: downloads so far. */
async function cacheWith(dir: string) {
  const store = await storeOn(memoryBackend());
  const source = join(root, "source");
  await mkdir(join(source, "adapter"), { recursive: true });
  await writeFile(join(source, "model.safetensors"), "weights");
  await writeFile(join(source, "adapter", "config.json"), "{}");
  const [tree, blob] = [await store.putTree(source), await store.putBlob("module")];
  let fetches = 0;
  const counting = {
    getJson: store.getJson,
    getTree: (...args: Parameters<typeof store.getTree>) => (fetches++, store.getTree(...args)),
    getBlobFile: (...args: Parameters<typeof store.getBlobFile>) => (fetches++, store.getBlobFile(...args)),
  };
  const open = () => openCache({ dir: join(root, dir), maxBytes: 1e9, store: counting });
  return { tree, blob, open, fetches: () => fetches };
}

const damages: [string, (folder: string) => Promise<void>][] = [
  ["a flipped byte", (folder) => writeFile(join(folder, "model.safetensors"), "weightz")],
  ["a cut file", (folder) => writeFile(join(folder, "model.safetensors"), "wei")],
  ["a missing file", (folder) => unlink(join(folder, "adapter", "config.json"))],
];
for (const [what, damage] of damages) {
  it(`downloads a tree again that has ${what} at its first use in a process`, async () => {
    const { tree, open, fetches } = await cacheWith(what.replaceAll(" ", "-"));
    await damage(await open().tree(tree));
    const folder = await open().tree(tree);
    assert.equal(await readFile(join(folder, "model.safetensors"), "utf8"), "weights");
    assert.equal(await readFile(join(folder, "adapter", "config.json"), "utf8"), "{}");
    assert.equal(fetches(), 2);
  });
}

for (const [what, clear] of [
  ["a file", (folder: string) => unlink(join(folder, "adapter", "config.json"))],
  ["the folder", (folder: string) => rm(folder, { recursive: true })],
] as const) {
  it(`downloads a tree again after somebody removed ${what}, in the process that downloaded it`, async () => {
    const { tree, open, fetches } = await cacheWith(`without ${what}`);
    const cache = open();
    const folder = await cache.tree(tree);
    const first = await cache.copyOf(tree);
    await clear(folder);
    assert.equal(await cache.copyOf(tree), undefined);
    assert.equal(await readFile(join(await cache.tree(tree), "adapter", "config.json"), "utf8"), "{}");
    assert.equal(fetches(), 2);
    const second = await cache.copyOf(tree);
    assert.ok(
      first !== undefined && second !== undefined && first !== second,
      "a user of the first copy can tell",
    );
  });
}

it("downloads a damaged blob again, and a sound entry never", async () => {
  const { tree, blob, open, fetches } = await cacheWith("sound");
  const first = open();
  await first.tree(tree);
  await writeFile(await first.blob(blob), "modulo");
  const second = open();
  await second.tree(tree);
  assert.equal(await readFile(await second.blob(blob), "utf8"), "module");
  await second.tree(tree);
  assert.equal(fetches(), 3);
});
