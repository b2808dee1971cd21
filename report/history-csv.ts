// `ratchet history --csv`: a line for each place. Columns have the names of the members of `--json`.
import { iterationOf } from "../campaign/ids.ts";
import type { EvaluateMetrics, Interval, PromotionEvidence } from "../campaign/types.ts";
import { csvText } from "./csv.ts";
import type { CsvCell } from "./csv.ts";
import { promotedPlace } from "./history.ts";
import type { ShownHistory } from "./history.ts";
import { costOf } from "./place-cost.ts";

export interface CsvHistory {
  campaign: ShownHistory["campaign"];
  places: (Omit<ShownHistory["places"][number], "promotion"> & {
    policy: string;
    weights?: string;
    promotion?: {
      winRate?: Interval;
      lengthControlled?: Interval;
      evidence?: PromotionEvidence;
      reason: string;
    };
    pairs?: number;
    steps?: number;
    margin?: number;
    loss?: number;
    finishedAt?: string;
  })[];
}

export function historyCsv({ campaign, places }: CsvHistory): string {
  const rows = places.map((place) => rowOf(place, campaign));
  const header = Object.keys(rowOf(EMPTY, campaign));
  return csvText(
    header,
    rows.map((row) => header.map((name) => row[name])),
  );
}

/** Gives the names of the columns of a campaign without places. */
const EMPTY: CsvHistory["places"][number] = { place: "", policy: "", work: {} };

function rowOf(
  entry: CsvHistory["places"][number],
  campaign: ShownHistory["campaign"],
): Record<string, CsvCell> {
  const { place, policy, weights, decision, promotion, pairs, steps, margin, loss, finishedAt } = entry;
  const { timeMs, workMs, againMs, price } = costOf(entry);
  return {
    campaignId: campaign.campaignId,
    place,
    iteration: iterationOf(place)?.iteration,
    promoted: place === promotedPlace(campaign),
    decision,
    superseded: entry.superseded ?? false,
    evidence: promotion?.evidence,
    reason: promotion?.reason,
    ...spread("promotion.winRate", promotion?.winRate),
    ...spread("promotion.lengthControlled", promotion?.lengthControlled),
    ...metrics("validation", entry.validation),
    ...metrics("test", entry.test),
    ...spread("audit.rate", entry.audit?.rate),
    pairs,
    steps,
    margin,
    loss,
    policy,
    weights,
    timeMs,
    workMs,
    againMs,
    price,
    finishedAt,
  };
}

const spread = (name: string, found: Interval | undefined): Record<string, CsvCell> => ({
  [name]: found?.value,
  [`${name}.low`]: found?.low,
  [`${name}.high`]: found?.high,
});

const metrics = (split: string, found: EvaluateMetrics | undefined): Record<string, CsvCell> => ({
  ...spread(`${split}.winRate`, found?.winRate),
  ...spread(`${split}.lengthControlled`, found?.lengthControlled),
  [`${split}.judgedBy`]: found?.judgedBy,
  [`${split}.prompts`]: found?.prompts,
  [`${split}.proxy`]: found?.proxy,
  [`${split}.gold`]: found?.gold,
  [`${split}.length`]: found?.length,
  [`${split}.truncated`]: found?.truncated,
  [`${split}.kl`]: found?.kl,
});
