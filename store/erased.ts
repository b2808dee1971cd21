// What was erased on purpose: a blob's bytes are gone, its digest stays with a word of who, when and why, and with what is left of its
// rows. So a reader, and `verify`, can tell an erasure from a loss.
import { erasedKey } from "./layout.ts";
import type { Backend, Digest } from "./types.ts";

export interface Erasure {
  schema: "ratchet.erased/1";
  digest: Digest;
  /** Blob of the rows that were not erased; absent where none is left. */
  redacted?: Digest;
  at: string;
  by: string;
  why: string;
}

export async function readErasure(backend: Backend, digest: Digest): Promise<Erasure | undefined> {
  const bytes = await backend.get(erasedKey(digest));
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Erasure);
}

/** The record first, then the bytes: an erasure that is interrupted between the two is found and finished by the next one. */
export async function recordErasure(backend: Backend, erasure: Erasure): Promise<void> {
  await backend.put(erasedKey(erasure.digest), new TextEncoder().encode(`${JSON.stringify(erasure)}\n`));
}
