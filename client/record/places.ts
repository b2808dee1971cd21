// Finds the place that an address names: the take of an iteration that counts, a baseline, or by default the
// newest iteration.
import { RatchetError } from "../../errors/index.ts";
import { placeName } from "../../campaign/ids.ts";
import type { Address } from "../../campaign/ids.ts";
import type {
  CampaignRecord,
  Decision,
  Digest,
  Place,
  StageDigests,
  StageName,
} from "../../campaign/types.ts";

export interface FinishedPlace {
  place: Place;
  /** `it-0003.1` */
  name: string;
  policy: Digest;
  stages: StageDigests;
  decision?: Decision;
  /** A rollback has left it behind. */
  superseded?: true | undefined;
}

/** All finished places: bootstrap and iterations in the order of the ledger, then baselines. */
export function finishedPlaces(record: CampaignRecord): FinishedPlace[] {
  const iterations = record.iterations.map(({ iteration, take, ...rest }) =>
    named({ iteration, take }, rest),
  );
  const baselines = Object.entries(record.baselines).map(([baseline, rest]) =>
    named({ baseline, take: 1 }, rest),
  );
  return [...iterations, ...baselines];
}

export function placeOf(record: CampaignRecord, address: Address): FinishedPlace {
  const { iteration, take, baseline } = address;
  const places = finishedPlaces(record).filter(({ place }) => {
    if (baseline !== undefined) return "baseline" in place && place.baseline === baseline;
    return (
      "iteration" in place &&
      (iteration === undefined || place.iteration === iteration) &&
      (take === undefined || place.take === take)
    );
  });
  const found = places.findLast(({ superseded }) => !superseded) ?? places.at(-1);
  if (found) return found;
  const known = finishedPlaces(record).map(({ name }) => name);
  const wanted = baseline
    ? `baseline ${baseline}`
    : iteration === undefined
      ? "finished iteration"
      : `finished iteration ${iteration}${take === undefined ? "" : `.${take}`}`;
  throw new RatchetError("address_unknown", `campaign ${record.campaignId} has no ${wanted}`, {
    hint: known.length === 0 ? "nothing of it has finished yet" : `finished: ${known.join(", ")}`,
  });
}

/** Digest of a stage's result; `evaluate` means the test split. */
export function stageDigest({ name, stages }: FinishedPlace, stage: StageName): Digest {
  const digest = stage === "evaluate" ? (stages.test ?? stages.validation) : stages[stage];
  if (digest) return digest;
  throw new RatchetError("address_unknown", `${name} has no ${stage} stage`, {
    hint: `it has ${Object.keys(stages).join(", ")}`,
  });
}

const named = (place: Place, rest: Omit<FinishedPlace, "place" | "name">): FinishedPlace => ({
  place,
  name: placeName(place),
  ...rest,
});
