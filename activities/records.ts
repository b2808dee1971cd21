// Reads of immutable things by digest: the compiled spec, stage results and prompt lists with a small memory, the rows of pieces without.
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import type { Digest, PieceRef } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";

/** Entries kept: a stage reads the same prompts and the same upstream result for each of its shards. */
const KEPT = 16;
const kept = new WeakMap<Store, Map<string, Promise<unknown>>>();

/** Content never changes under a digest, so forgetting is only about memory. A failed read is not kept. */
function remembered<T>(store: Store, what: string, read: () => Promise<T>): Promise<T> {
  const entries = kept.get(store) ?? new Map<string, Promise<unknown>>();
  kept.set(store, entries);
  const found = entries.get(what);
  const reading = (found as Promise<T> | undefined) ?? read();
  // Last asked for, last forgotten.
  entries.delete(what);
  entries.set(what, reading);
  if (found) return reading;
  reading.catch(() => entries.delete(what));
  if (entries.size > KEPT) entries.delete(entries.keys().next().value as string);
  return reading;
}

export const specOf = (store: Store, digest: Digest): Promise<CompiledSpec> =>
  remembered(store, digest, () => store.getJson<CompiledSpec>(digest));

/** The `result` of a committed manifest, by its digest. */
export const resultOf = <R>(store: Store, digest: Digest): Promise<R> =>
  remembered(store, digest, () => store.getJson<R>(digest));

/** Rows of a list that is read again and again. Callers must not change them. */
export const rowsOf = <R>(store: Store, digest: Digest): Promise<readonly R[]> =>
  remembered(store, digest, () => rowsOnce<R>(store, digest));

/** The same by their ids. */
export const rowsById = <R extends { id: string }>(
  store: Store,
  digest: Digest,
): Promise<ReadonlyMap<string, R>> =>
  remembered(
    store,
    `${digest} by id`,
    async () => new Map((await rowsOf<R>(store, digest)).map((row) => [row.id, row])),
  );

/** Rows of a blob that is read once: a piece's, or pairs. Not kept. */
export const rowsOnce = async <R>(store: Store, digest: Digest): Promise<R[]> =>
  parseRows<R>(await store.getBlob(digest));

/** Pieces read at once: enough to hide a store's latency, few enough that memory does not depend on how many there are. */
const AT_ONCE = 8;

/** Reads something of each piece, in order, a few at once. */
export async function* eachPiece<P, T>(
  pieces: readonly P[],
  read: (piece: P) => Promise<T>,
): AsyncGenerator<T> {
  for (let at = 0; at < pieces.length; at += AT_ONCE)
    yield* await Promise.all(pieces.slice(at, at + AT_ONCE).map(read));
}

/** Rows of a stage's pieces, piece by piece. */
export const pieceRows = <R>(store: Store, pieces: readonly PieceRef[]): AsyncGenerator<R[]> =>
  eachPiece(pieces, ({ rows }) => rowsOnce<R>(store, rows));

export function parseRows<R>(bytes: Uint8Array): R[] {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as R);
}
