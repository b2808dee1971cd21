// One label in the store: exact JSON with a seal that covers its key, created once (store/exact-json.ts).
import { RatchetError } from "../errors/index.ts";
import type { Label } from "../campaign/labeling/types.ts";
import { again } from "../store/again.ts";
import { canonicalDigest } from "../store/index.ts";
import { exactBytes, parseExact } from "../store/exact-json.ts";
import type { Backend, Digest } from "../store/types.ts";

/** `exists`: another label has the key; it may be the same one. */
export const createLabel = (backend: Backend, key: string, label: Label): Promise<"created" | "exists"> =>
  backend.putIfAbsent(key, bytesOf(key, label));

/** In place of a label whose note was erased. */
export const replaceLabel = (backend: Backend, key: string, label: Label): Promise<void> =>
  backend.put(key, bytesOf(key, label));

/** Undefined if the key does not exist. Throws artifact_corrupt if any byte changed. */
export const readLabel = (backend: Backend, key: string): Promise<Label | undefined> =>
  again(async () => {
    const bytes = await backend.get(key);
    if (!bytes) return undefined;
    const { seal, ...label } = parse(key, bytes);
    if (seal !== sealOf(key, label)) throw corrupt(key, "is not what its seal says");
    return label;
  });

const bytesOf = (key: string, label: Label): Uint8Array => exactBytes({ ...label, seal: sealOf(key, label) });

const sealOf = (key: string, label: Label): Digest => canonicalDigest({ key, label });

function parse(key: string, bytes: Uint8Array): Label & { seal?: Digest } {
  try {
    return parseExact(bytes) as unknown as Label & { seal?: Digest };
  } catch (cause) {
    throw corrupt(key, `cannot be read: ${(cause as Error).message}`, cause);
  }
}

const corrupt = (key: string, what: string, cause?: unknown): RatchetError =>
  new RatchetError("artifact_corrupt", `the label ${key} ${what}`, {
    hint:
      "a label is given by a person and cannot be computed again: restore the object from a backup, or run " +
      "`ratchet repair`, which deletes a damaged label that no seal lists, so that it can be given again",
    cause,
  });
