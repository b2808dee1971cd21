// Seeds are derived, never drawn: the first 16 hex digits of the SHA-256 of the JSON array of the parts. An array, because a plain
// join would let ("a", "b:c") and ("a:b", "c") share a seed.
import { createHash } from "node:crypto";

/** 16 lower-case hex digits. */
export function deriveSeed(...parts: (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Seed of one completion. `place` is `placeName(place)`, with a suffix where one place samples twice (`it-0000.1/opponent`). */
export function completionSeed(campaignSeed: number, place: string, promptId: string, index: number): string {
  return deriveSeed("completion", campaignSeed, place, promptId, index);
}
