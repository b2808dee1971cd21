// The order in which a labeler is asked, and the side of each answer. Both follow from the questionnaire's
// seed and the pseudonym, so nothing need be stored.
import { createHash } from "node:crypto";
import type { Digest } from "../../campaign/types.ts";

/** 48 bits, as a whole number. */
function numberOf(...parts: (string | number)[]): number {
  return createHash("sha256").update(JSON.stringify(parts)).digest().readUIntBE(0, 6);
}

/** The answer on the left. */
export const leftOf = (questionnaire: Digest, comparison: number, labeler: string): "first" | "second" =>
  numberOf("side", questionnaire, comparison, labeler) % 2 === 0 ? "first" : "second";

/**
 * Each comparison belongs to `perComparison` of the labelers. A labeler is asked for their own ones, then
 * helps with those of others from the end of the owner's order, so that two people meet as late as possible.
 */
export function orderFor(
  labeler: string,
  {
    questionnaire,
    count,
    perComparison,
    labelers,
  }: { questionnaire: Digest; count: number; perComparison: number; labelers: readonly string[] },
): number[] {
  const place = (comparison: number, of: string): number => numberOf("place", questionnaire, comparison, of);
  const ranked = Array.from({ length: count }, (_, comparison) => {
    const owners = labelers
      .map((name) => ({ name, rank: numberOf("owner", questionnaire, comparison, name) }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, perComparison);
    const own = owners.some(({ name }) => name === labeler);
    const [owner] = owners;
    return { comparison, own, at: own ? place(comparison, labeler) : -place(comparison, owner!.name) };
  });
  return ranked
    .sort((a, b) => Number(b.own) - Number(a.own) || a.at - b.at || a.comparison - b.comparison)
    .map(({ comparison }) => comparison);
}
