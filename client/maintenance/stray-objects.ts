// Objects of a store that one campaign does not name: other blobs, and records of erasures.
import { readErasure } from "../../store/erased.ts";
import { BLOBS_PREFIX, digestOfKey, ERASED_PREFIX, erasedDigest, erasedKey } from "../../store/layout.ts";
import type { Digest, Store } from "../../store/types.ts";
import type { BlobChecker } from "./blob-checker.ts";

/** Hashes the blobs that the campaign does not name, and names files that are no blobs. */
export async function checkStrays({ backend }: Store, blobs: BlobChecker): Promise<void> {
  for await (const key of backend.list(BLOBS_PREFIX)) {
    const digest = digestOfKey(key);
    if (digest !== undefined) await blobs.stray(digest);
    else
      blobs.problems.push({
        code: "artifact_corrupt",
        what: key,
        message: `${key} is no blob: nothing of Ratchet wrote a file of this name; move it away`,
      });
  }
}

export async function checkErasures(store: Store, blobs: BlobChecker): Promise<void> {
  for await (const key of store.backend.list(ERASED_PREFIX)) {
    const digest = erasedDigest(key);
    if (digest !== undefined) await checkErasure(store, blobs, digest);
  }
}

/** Reads the record of an erasure, and reports erased bytes that somebody wrote again. */
async function checkErasure(store: Store, blobs: BlobChecker, digest: Digest): Promise<void> {
  const namedBy = erasedKey(digest);
  try {
    await readErasure(store.backend, digest);
  } catch (error) {
    blobs.report(error, namedBy);
  }
  if (!(await store.hasBlob(digest))) return;
  const message = `blob ${digest} was erased and is there again; erase it again`;
  blobs.problems.push({ code: "erased_present", what: digest, message, namedBy });
}
