// The record behind `ratchet report`. It reads aggregated results, curves in a few points, and some
// answers, so its size does not grow with the number of prompts.
import { TRAININGS } from "../../campaign/rules.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { CampaignRecord, Digest, LedgerRow, TrainResult } from "../../campaign/types.ts";
import { askingOf } from "../../labels/asking.ts";
import { decidedBy } from "../../labels/decided.ts";
import { questionnairesOf } from "../../labels/questionnaires.ts";
import { statsOf } from "../../labels/stats.ts";
import type { QuestionnaireStats } from "../../labels/stats.ts";
import type { Store } from "../../store/types.ts";
import { readHistory } from "./history.ts";
import type { CampaignHistory } from "./history.ts";
import { finishedPlaces } from "./places.ts";
import { jsonLines, readCampaign, readSpec } from "./record.ts";
import { readRows } from "./rows.ts";
import { readSamples } from "./samples.ts";
import type { Samples } from "./samples.ts";
import { compareVariants, newestTakes } from "./table.ts";
import type { CampaignComparison } from "./table.ts";

export interface CampaignReport extends CampaignHistory {
  spec: CompiledSpec;
  /** SHA-256 of the last row's bytes: it covers the whole ledger. */
  head: Digest;
  comparison: CampaignComparison;
  curves: TrainingCurve[];
  /** Answers of π_0 and of the promoted policy; absent before anything was measured on the test split. */
  samples?: Extract<Samples, { kind: "before-after" }> | undefined;
  labels: QuestionnaireStats[];
}

export interface TrainingCurve {
  place: string;
  stage: (typeof TRAININGS)[number];
  /** Means over runs of steps, at most a few hundred a campaign; `step` is the last of each run. */
  points: Record<string, number>[];
}

/** Of all curves of a campaign together; each has at least `POINTS_MIN`. */
const POINTS_MAX = 1200;
const POINTS_MIN = 12;
const SAMPLES = 8;

export async function readReport(store: Store, campaignId: string): Promise<CampaignReport> {
  const history = await readHistory(store, campaignId);
  const { digests } = await readRows(store, campaignId);
  const { record } = (await readCampaign(store, campaignId))!;
  return {
    ...history,
    spec: await readSpec(store, record),
    head: digests.at(-1)!,
    comparison: await compareVariants(store, campaignId),
    curves: await curvesOf(store, record),
    samples: await samplesOf(store, record),
    labels: await labelsOf(store, record, history.ledger),
  };
}

async function curvesOf(store: Store, record: CampaignRecord): Promise<TrainingCurve[]> {
  const places = finishedPlaces({ ...record, iterations: newestTakes(record) });
  const max = Math.max(POINTS_MIN, Math.floor(POINTS_MAX / Math.max(1, places.length)));
  const curves: TrainingCurve[] = [];
  for (const { name, stages } of places)
    for (const stage of TRAININGS) {
      const digest = stages[stage];
      if (digest === undefined) continue;
      const { curve } = await store.getJson<TrainResult>(digest);
      const rows = await jsonLines<Record<string, number>>(store, curve);
      curves.push({ place: name, stage, points: thinned(rows, max) });
    }
  return curves;
}

/** Means of consecutive rows, so that no more than `max` are left. */
export function thinned(rows: readonly Record<string, number>[], max: number): Record<string, number>[] {
  const each = Math.ceil(rows.length / max);
  return Array.from({ length: Math.ceil(rows.length / Math.max(1, each)) }, (_, index) => {
    const run = rows.slice(index * each, (index + 1) * each);
    const last = run.at(-1)!;
    const means = Object.keys(last).map((name): [string, number] => [
      name,
      run.reduce((sum, row) => sum + row[name]!, 0) / run.length,
    ]);
    return { ...Object.fromEntries(means), step: last["step"]! };
  });
}

async function samplesOf(store: Store, record: CampaignRecord): Promise<CampaignReport["samples"]> {
  const { campaignId, promoted, latest } = record;
  const shown = promoted && promoted.iteration > 0 ? promoted : latest;
  const measured = (iteration: number): boolean =>
    newestTakes(record).some((entry) => entry.iteration === iteration && entry.stages.test);
  if (!shown || shown.iteration === 0 || !measured(0) || !measured(shown.iteration)) return undefined;
  const { iteration, take } = shown;
  const samples = await readSamples(store, { campaignId, iteration, take }, { limit: SAMPLES });
  return samples.kind === "before-after" ? samples : undefined;
}

async function labelsOf(
  store: Store,
  record: CampaignRecord,
  ledger: readonly LedgerRow[],
): Promise<QuestionnaireStats[]> {
  const decided = decidedBy(ledger);
  const stats: QuestionnaireStats[] = [];
  const all = await questionnairesOf(store, record.campaignId, decided.repairs);
  for (const one of await askingOf(store, all, record, decided.repairs))
    stats.push(await statsOf(store, one, decided));
  return stats;
}
