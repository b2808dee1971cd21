// Canonical JSON (RFC 8785) and the digests made from it: equal values have equal bytes on every machine.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { Digest } from "./types.ts";

// The package's types describe an ES module, its code is CommonJS.
const canonicalize = createRequire(import.meta.url)("canonicalize") as (value: unknown) => string | undefined;

export const sha256 = (bytes: Uint8Array | string): Digest =>
  createHash("sha256").update(bytes).digest("hex");

/**
 * Leaves `undefined` members out, as JSON.stringify does. Throws TypeError for a value that JSON cannot hold.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("a canonical form needs a JSON value");
  return text;
}

export const canonicalDigest = (value: unknown): Digest => sha256(canonicalJson(value));
