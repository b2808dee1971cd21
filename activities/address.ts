// An address is the SHA-256 of the RFC 8785 JSON of what a result depends on. `undefined` members are left out, as JSON does.
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Digest } from "../campaign/types.ts";

export function addressOf(inputs: object): Digest {
  const text = canonicalize(inputs);
  if (text === undefined) throw new TypeError("an address needs an object of JSON values");
  return createHash("sha256").update(text).digest("hex");
}
