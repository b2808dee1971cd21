// Which of a campaign's specs holds at a place. Pure functions; workflows, activities and readers share them.
import type { CampaignRecord, LedgerEvent, Place, SpecInForce, Standing } from "./types.ts";

export function amend(
  record: CampaignRecord,
  { specDigest, holdsFrom }: LedgerEvent & { type: "amended" },
): void {
  record.specDigest = specDigest;
  record.specs.push({ specDigest, holdsFrom });
}

/**
 * The spec that holds at a place. `specs`: in the order of the ledger. The bootstrap and the baselines keep
 * the first one.
 */
export function specAt<S extends Pick<SpecInForce, "holdsFrom">>(specs: readonly S[], place: Place): S {
  const [first] = specs;
  if (!first) throw new Error("a campaign has at least the spec that it was created with");
  if ("baseline" in place || place.iteration === 0) return first;
  return specs.findLast(({ holdsFrom }) => holdsFrom && !isBefore(place, holdsFrom)) ?? first;
}

/** Of the amendments, those that a campaign needs whose next place is `next`: at most two. */
export function amendmentsFrom<S extends Pick<SpecInForce, "holdsFrom">>(
  specs: readonly S[],
  next: Standing["next"],
): S[] {
  const needed = new Set([specAt(specs, next), specs.at(-1)!]);
  return [...needed].filter(({ holdsFrom }) => holdsFrom !== undefined);
}

/** In the order in which a campaign makes iterations: a rollback raises the take of all that follow. */
const isBefore = (a: Standing["next"], b: Standing["next"]): boolean =>
  a.take === b.take ? a.iteration < b.iteration : a.take < b.take;
