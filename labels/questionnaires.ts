// Questionnaires in the store: made once, found by place, read by who labels.
import { isCurrent, questionnairesPrefix, resultsPrefix, sealKey, successorKey } from "../campaign/ids.ts";
import type { ComparisonRow, QuestionnaireResult, SealResult } from "../campaign/labeling/types.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import { linesOf } from "../campaign/rows/json-lines.ts";
import type { Digest, Facts } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";

/** Facts of a questionnaire. The first writer's `openedAt` counts, so a deadline never moves. */
export type OpenedFacts = Facts & { openedAt: string };

export interface LabelManifest<R, F = object> {
  schema: "ratchet.label/1";
  result: R;
  facts: F;
}

export interface Questionnaire {
  campaignId: string;
  place: string;
  digest: Digest;
  result: QuestionnaireResult;
  /** ISO time. */
  openedAt: string;
}

export interface Sealed {
  digest: Digest;
  result: SealResult;
}

/** How often repairs set a manifest aside, by key (campaign/rules.ts `repairsOf`). */
export type Repairs = ReadonlyMap<string, number>;

/** Adopts the questionnaire that another attempt has opened at the key, with its time. */
export async function openQuestionnaire(
  store: Store,
  campaignId: string,
  key: string,
  {
    rows,
    facts,
    ...settings
  }: Omit<QuestionnaireResult, "stage" | "count" | "audit" | "comparisons"> & {
    rows: readonly ComparisonRow[];
    facts: OpenedFacts;
  },
): Promise<Questionnaire> {
  const comparisons = await store.putBlob(formatRows(rows));
  const result: QuestionnaireResult = {
    stage: "label",
    ...settings,
    count: rows.length,
    audit: rows.filter(({ audit }) => audit).length,
    comparisons,
  };
  await store.commitManifest<LabelManifest<QuestionnaireResult, OpenedFacts>>(
    key,
    { schema: "ratchet.label/1", result, facts },
    [comparisons],
  );
  return (await readQuestionnaire(store, campaignId, key))!;
}

/** In the order of places. Nothing is found of a campaign without labels. */
export async function questionnairesOf(
  store: Store,
  campaignId: string,
  repairs: Repairs,
): Promise<Questionnaire[]> {
  const found: Questionnaire[] = [];
  for await (const place of store.backend.folders(resultsPrefix(campaignId)))
    for await (const key of store.backend.list(questionnairesPrefix(campaignId, place))) {
      if (key.includes("/seal-") || !isCurrent(key, repairs)) continue;
      const questionnaire = await readQuestionnaire(store, campaignId, key);
      if (questionnaire) found.push(questionnaire);
    }
  return found;
}

export async function readQuestionnaire(
  store: Store,
  campaignId: string,
  key: string,
): Promise<Questionnaire | undefined> {
  const found = await store.readManifest<LabelManifest<QuestionnaireResult, OpenedFacts>>(key);
  if (!found) return undefined;
  const { result, facts } = found.manifest;
  return { campaignId, place: result.place, digest: found.digest, result, openedAt: facts.openedAt };
}

/** Undefined while the questionnaire is open. */
export async function readSeal(
  store: Store,
  { campaignId, place, digest }: Questionnaire,
  repairs: Repairs,
): Promise<Sealed | undefined> {
  const found = await store.readManifest<LabelManifest<SealResult>>(
    currentSealKey(campaignId, place, digest, repairs),
  );
  return found && { digest: found.digest, result: found.manifest.result };
}

export function currentSealKey(campaignId: string, place: string, digest: Digest, repairs: Repairs): string {
  const key = sealKey(campaignId, place, digest);
  return successorKey(key, repairs.get(key) ?? 0);
}

/** One at a time, because their texts may be large. Rows of an erased prompt are not among them. */
export async function* comparisonsOf(
  store: Store,
  { result }: Pick<Questionnaire, "result">,
): AsyncGenerator<ComparisonRow> {
  for (const line of linesOf(await store.getRemainder(result.comparisons)))
    yield JSON.parse(new TextDecoder().decode(line)) as ComparisonRow;
}
