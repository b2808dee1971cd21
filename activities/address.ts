// An address is the digest of what a result depends on: SHA-256 of its RFC 8785 JSON, `undefined` members left out.
import { canonicalDigest } from "../store/index.ts";
import type { Digest } from "../campaign/types.ts";

export const addressOf = (inputs: object): Digest => canonicalDigest(inputs);
