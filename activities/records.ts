// Reads of immutable things with a small memory: the compiled spec, stage results and JSON Lines blobs, all by digest.
import type { CompiledSpec } from "../campaign/compiled.ts";
import type { Digest } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";

/** Entries kept: a stage reads the same prompts and the same upstream result for each of its shards. */
const KEPT = 16;
const kept = new WeakMap<Store, Map<Digest, Promise<unknown>>>();

/** Content never changes under a digest, so forgetting is only about memory. A failed read is not kept. */
function remembered<T>(store: Store, digest: Digest, read: () => Promise<T>): Promise<T> {
  const entries = kept.get(store) ?? new Map<Digest, Promise<unknown>>();
  kept.set(store, entries);
  const found = entries.get(digest);
  if (found) return found as Promise<T>;
  const reading = read();
  entries.set(digest, reading);
  reading.catch(() => entries.delete(digest));
  if (entries.size > KEPT) entries.delete(entries.keys().next().value as Digest);
  return reading;
}

export const specOf = (store: Store, digest: Digest): Promise<CompiledSpec> => remembered(store, digest, () => store.getJson<CompiledSpec>(digest));

/** The `result` of a committed manifest, by its digest. */
export const resultOf = <R>(store: Store, digest: Digest): Promise<R> => remembered(store, digest, () => store.getJson<R>(digest));

/** Rows of a JSON Lines blob. Callers must not change them. */
export const rowsOf = <R>(store: Store, digest: Digest): Promise<readonly R[]> =>
  remembered(store, digest, async () => parseRows<R>(await store.getBlob(digest)));

export function parseRows<R>(bytes: Uint8Array): R[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as R);
}
