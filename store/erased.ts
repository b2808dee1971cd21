// Records of erasures. The bytes of an erased blob are gone. Its digest stays, with the name of who erased
// it, when and why, and with the digest of the rows that were kept. So `verify` and other readers can tell an
// erasure from a loss.
import { RatchetError } from "../errors/index.ts";
import { canonicalDigest } from "./canonical.ts";
import { exactBytes, parseExact } from "./exact-json.ts";
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

/**
 * Undefined if the blob was not erased. Throws artifact_corrupt if any byte of the record changed, or if it
 * belongs to another blob.
 */
export async function readErasure(backend: Backend, digest: Digest): Promise<Erasure | undefined> {
  const key = erasedKey(digest);
  const bytes = await backend.get(key);
  if (!bytes) return undefined;
  const { seal, ...erasure } = parse(key, bytes);
  if (seal !== canonicalDigest(erasure) || erasure.digest !== digest)
    throw corrupt(key, "is not what its seal says");
  return erasure;
}

/**
 * Called before the bytes are deleted: if the erasure is interrupted between the two, the next one finds the
 * rows and finishes it.
 */
export async function recordErasure(backend: Backend, erasure: Erasure): Promise<void> {
  await backend.put(erasedKey(erasure.digest), exactBytes({ ...erasure, seal: canonicalDigest(erasure) }));
}

function parse(key: string, bytes: Uint8Array): Erasure & { seal?: Digest } {
  try {
    return parseExact(bytes) as unknown as Erasure & { seal?: Digest };
  } catch (cause) {
    throw corrupt(key, `cannot be read: ${(cause as Error).message}`, cause);
  }
}

const corrupt = (key: string, what: string, cause?: unknown): RatchetError =>
  new RatchetError("artifact_corrupt", `the record of an erasure ${key} ${what}`, {
    hint: "restore the object from a backup; the blob itself is gone",
    cause,
  });
