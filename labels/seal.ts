// Closing a questionnaire. The first seal wins, and a label counts if and only if the seal lists it: a label
// that arrives while the seal is made is either in it or late.
import type { Withdrawn } from "./decided.ts";
import { currentSealKey, comparisonsOf, readSeal } from "./questionnaires.ts";
import type { LabelManifest, Questionnaire, Repairs, Sealed } from "./questionnaires.ts";
import { isWithdrawn, labelsAt, readLabels } from "./standing.ts";
import type { SealCounts, SealResult, SealRow } from "../campaign/labeling/types.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import { rowsOfBlob } from "../campaign/rows/json-lines.ts";
import type { Store } from "../store/types.ts";

export interface Sealing {
  repairs: Repairs;
  /** By the ledger now. It is asked again after the labels were read, because that may take minutes. */
  withdrawn: () => Promise<Withdrawn>;
  facts: object;
}

/** Adopts the seal of an earlier attempt, or of anybody else. */
export async function sealQuestionnaire(
  store: Store,
  questionnaire: Questionnaire,
  { repairs, withdrawn, facts }: Sealing,
): Promise<Sealed> {
  const sealed = await readSeal(store, questionnaire, repairs);
  if (sealed) return sealed;
  const { campaignId, place, digest, result } = questionnaire;
  const rows = await rowsNow(store, questionnaire, withdrawn);
  const labels = await store.putBlob(formatRows(rows));
  const made: SealResult = {
    stage: "label",
    version: result.version,
    place,
    questionnaire: digest,
    labels,
    counts: countsOf(rows),
  };
  const committed = await store.commitManifest<LabelManifest<SealResult>>(
    currentSealKey(campaignId, place, digest, repairs),
    { schema: "ratchet.label/1", result: made, facts },
    [labels],
  );
  return { digest: committed.digest, result: committed.manifest.result };
}

/** Rows of a seal, by a ledger that withdrew nothing while the labels were read. */
async function rowsNow(
  store: Store,
  questionnaire: Questionnaire,
  ask: Sealing["withdrawn"],
): Promise<SealRow[]> {
  let withdrawn = await ask();
  for (;;) {
    const rows = await countingRows(store, questionnaire, withdrawn);
    const later = await ask();
    if (later.size === withdrawn.size) return rows;
    withdrawn = later;
  }
}

/**
 * Rows that a seal would list now: the newest revision of each slot, unless it was taken back or withdrawn.
 * Late labels are left out too: they exist if a repair makes a lost seal again. Extras never count.
 */
export async function countingRows(
  store: Store,
  questionnaire: Questionnaire,
  withdrawn: Withdrawn,
): Promise<SealRow[]> {
  const audited = await auditOf(store, questionnaire);
  const slots = (await labelsAt(store, questionnaire)).filter(
    ({ comparison, slot }) =>
      typeof slot === "number" &&
      slot < questionnaire.result.perComparison &&
      comparison < questionnaire.result.count,
  );
  const timely = new Map<string, { revision: number; row: SealRow | undefined }>();
  for await (const { at, label } of readLabels(store, questionnaire, slots)) {
    if (label.late) continue;
    const { comparison, revision } = at;
    const slot = at.slot as number;
    const name = `${comparison}/${slot}`;
    if (revision < (timely.get(name)?.revision ?? 0)) continue;
    const { choice, strength } = label;
    const audit = audited.has(comparison) ? (true as const) : undefined;
    const isGone = choice === null || isWithdrawn({ at, label }, withdrawn);
    const row = isGone ? undefined : { comparison, slot, revision, choice, strength, audit };
    timely.set(name, { revision, row });
  }
  return [...timely.values()]
    .flatMap(({ row }) => row ?? [])
    .sort((a, b) => a.comparison - b.comparison || a.slot - b.slot);
}

export const sealedRows = async (store: Store, { result }: Sealed): Promise<SealRow[]> =>
  rowsOfBlob<SealRow>(await store.getBlob(result.labels), result.labels);

/** Numbers of the audit part's comparisons. */
export async function auditOf(store: Store, questionnaire: Questionnaire): Promise<Set<number>> {
  const audited = new Set<number>();
  for await (const { comparison, audit } of comparisonsOf(store, questionnaire))
    if (audit) audited.add(comparison);
  return audited;
}

export function countsOf(rows: readonly SealRow[]): SealCounts {
  const choices = { first: 0, second: 0, tie: 0, both_bad: 0 };
  for (const { choice } of rows) choices[choice] += 1;
  const trained = new Set(rows.filter(({ audit }) => !audit).map(({ comparison }) => comparison)).size;
  return { labels: rows.length, audit: rows.filter(({ audit }) => audit).length, trained, choices };
}
