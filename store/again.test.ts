import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryBackend } from "./backends/memory.ts";
import { storeOn } from "./index.ts";
import type { Backend, Store } from "./types.ts";

/** A store in which the next `times` reads of some keys return one changed byte. */
async function noisyStore(
  noisy: (key: string) => boolean,
): Promise<{ store: Store; spoil(times: number): void }> {
  const real = memoryBackend();
  let left = 0;
  const backend: Backend = {
    ...real,
    async get(key) {
      const bytes = await real.get(key);
      if (!bytes || left === 0 || !noisy(key)) return bytes;
      left -= 1;
      return bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte));
    },
  };
  return { store: await storeOn(backend), spoil: (times) => void (left = times) };
}

it("reads a blob, a manifest and a ledger once more before it reports damage", async () => {
  const { store, spoil } = await noisyStore(() => true);
  const blob = await store.putBlob("a blob");
  const key = "campaigns/a/results/it-0001.1/train/a.json";
  await store.commitManifest(key, { schema: "test/1", result: { steps: 3 }, facts: {} });
  await store.ledger("a").append({ id: "one", epoch: 1, event: "e", by: "test" });

  const reads = [() => store.getBlob(blob), () => store.readManifest(key), () => store.ledger("a").read()];
  for (const read of reads) {
    spoil(1);
    await read();
    spoil(2);
    await assert.rejects(read(), { name: "RatchetError" });
  }
});
