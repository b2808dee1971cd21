// Reads immutable artifacts by digest. The compiled spec, stage results and prompt lists are cached; the rows
// of pieces are not.
import { RatchetError } from "../errors/index.ts";
import { rowsOfBlob } from "../campaign/rows/json-lines.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { Digest, PieceRef } from "../campaign/types.ts";
import type { Prompt } from "../runtimes/types.ts";
import type { Store } from "../store/types.ts";

/** Cached entries per store: all shards of a stage read the same prompts and the same earlier result. */
const ENTRIES_MAX = 16;
const caches = new WeakMap<Store, Map<string, Promise<unknown>>>();

/** Entries never become stale, since a digest names one content. A failed read is not cached. */
function cached<T>(store: Store, name: string, read: () => Promise<T>): Promise<T> {
  const entries = caches.get(store) ?? new Map<string, Promise<unknown>>();
  caches.set(store, entries);
  const found = entries.get(name);
  const reading = (found as Promise<T> | undefined) ?? read();
  // The map is in order of use: the first entry is the least recently used.
  entries.delete(name);
  entries.set(name, reading);
  if (found) return reading;
  reading.catch(() => entries.delete(name));
  if (entries.size > ENTRIES_MAX) entries.delete(entries.keys().next().value as string);
  return reading;
}

export const specOf = (store: Store, digest: Digest): Promise<CompiledSpec> =>
  cached(store, digest, () => store.getJson<CompiledSpec>(digest));

/** The `result` of a committed manifest, by its digest. */
export const resultOf = <R>(store: Store, digest: Digest): Promise<R> =>
  cached(store, digest, () => store.getJson<R>(digest));

/** Rows of a list that is read often. Callers must not change them. */
export const rowsOf = <R>(store: Store, digest: Digest): Promise<readonly R[]> =>
  cached(store, digest, () => rowsOnce<R>(store, digest));

/** Looks up the prompts of a list by id. */
export async function promptsById(store: Store, list: Digest): Promise<(id: string) => Prompt> {
  const byId = await cached(
    store,
    `${list} by id`,
    async () => new Map((await rowsOf<Prompt>(store, list)).map((row) => [row.id, row])),
  );
  return (id) => {
    const prompt = byId.get(id);
    if (!prompt)
      throw new RatchetError(
        "unreachable_state",
        `prompt ${id} is not in the list that its completions name`,
      );
    return prompt;
  };
}

/** Rows of a blob that is read once: a piece's, or pairs. Not cached. */
export const rowsOnce = async <R>(store: Store, digest: Digest): Promise<R[]> =>
  rowsOfBlob<R>(await store.getBlob(digest), digest);

/** Enough to hide a store's latency, and few enough that memory does not depend on the number of pieces. */
const CONCURRENT_READS = 8;

/** Reads something of each piece, in order, a few at a time. */
export async function* eachPiece<P, T>(
  pieces: readonly P[],
  read: (piece: P) => Promise<T>,
): AsyncGenerator<T> {
  for (let at = 0; at < pieces.length; at += CONCURRENT_READS)
    yield* await Promise.all(pieces.slice(at, at + CONCURRENT_READS).map(read));
}

/** Rows of a stage's pieces, piece by piece. */
export const pieceRows = <R>(store: Store, pieces: readonly PieceRef[]): AsyncGenerator<R[]> =>
  eachPiece(pieces, ({ rows }) => rowsOnce<R>(store, rows));
