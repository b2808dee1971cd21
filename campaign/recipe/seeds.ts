// All randomness of a campaign comes from its seed: each draw has a seed of its own, derived from the
// campaign's. A derived seed is the first 16 hex digits of the SHA-256 of the JSON array of its parts. An
// array, because a plain join would let ("a", "b:c") and ("a:b", "c") share a seed.
import { createHash } from "node:crypto";

/** 16 lower-case hex digits. */
export function deriveSeed(...parts: (string | number)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Seed of one completion. `place` is `placeName(place)`. */
export function completionSeed(campaignSeed: number, place: string, promptId: string, index: number): string {
  return deriveSeed("completion", campaignSeed, place, promptId, index);
}

/** Seed of a judge's noise when it compares two completions, from the seeds of both. */
export function judgeSeed(campaignSeed: number, ours: string, theirs: string): string {
  return deriveSeed("judge", campaignSeed, ours, theirs);
}

/** Seed of the resampling that gives an interval; `what` names the interval. */
export function resamplingSeed(campaignSeed: number, ...what: string[]): string {
  return deriveSeed("resampling", campaignSeed, ...what);
}
