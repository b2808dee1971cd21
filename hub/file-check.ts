// Whether bytes are those that the hub lists: size, and SHA-256 of a file in LFS or git's id of another.
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { HubFile } from "./types.ts";

/** Git's id covers a header with the size. */
export function hashOf({ sha256, size }: HubFile): Hash {
  return sha256 === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
}

/** An older cache may not know the digest of a file. */
export const isDigest = (found: string, { sha256, oid }: HubFile): boolean =>
  (sha256 ?? oid) === "" || found === (sha256 ?? oid);

/** False also if there is no file. */
export async function isSound(path: string, file: HubFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.size !== file.size) return false;
  const hash = hashOf(file);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }))
    hash.update(chunk as Uint8Array);
  return isDigest(hash.digest("hex"), file);
}
