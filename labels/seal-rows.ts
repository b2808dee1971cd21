// The labels that a seal lists, as rows.
import type { LabelAt } from "../campaign/ids.ts";
import type { Choice, SealCounts, SealResult, SealRow, WithdrawnRow } from "../campaign/labeling/types.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import { rowsOfBlob } from "../campaign/rows/json-lines.ts";
import { sha256 } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { nameOf } from "./decided.ts";
import type { Withdrawn } from "./decided.ts";
import { comparisonsOf } from "./questionnaires.ts";
import type { Questionnaire, Sealed } from "./questionnaires.ts";
import { labelsAt, readLabels, rowName } from "./standing.ts";

/** What a seal lists. */
export interface Listed {
  rows: readonly SealRow[];
  /** Of other questionnaires. */
  withdrawn: readonly WithdrawnRow[];
}

export const sealOf = (
  { place, digest, result }: Questionnaire,
  { rows, withdrawn }: Listed,
): SealResult => ({
  stage: "label",
  version: result.version,
  place,
  questionnaire: digest,
  labels: sha256(formatRows(rows)),
  withdrawn: withdrawn.length === 0 ? undefined : sha256(formatRows(withdrawn)),
  counts: countsOf(rows),
});

/** The questionnaire's own withdrawn labels are in no row. */
export const withdrawnElsewhere = ({ digest }: Questionnaire, withdrawn: Withdrawn): WithdrawnRow[] =>
  [...withdrawn]
    .filter((label) => !label.startsWith(`${digest}/`))
    .sort()
    .map((label) => ({ label }));

/** Rows that a seal would list now. */
export async function countingRows(
  store: Store,
  questionnaire: Questionnaire,
  withdrawn: Withdrawn,
): Promise<SealRow[]> {
  return rowsOf(questionnaire, await timelyLabels(store, questionnaire), withdrawn);
}

/** One revision of a label in a slot. */
export interface TimelyLabel {
  at: LabelAt & { slot: number };
  choice: Choice | null;
  strength?: number | undefined;
  audit?: true | undefined;
  /** ISO time. */
  givenAt: string;
}

/** Late labels are left out: they exist if a repair makes a lost seal again. Extras never count. */
export async function timelyLabels(store: Store, questionnaire: Questionnaire): Promise<TimelyLabel[]> {
  const { perComparison, count } = questionnaire.result;
  const audited = await auditOf(store, questionnaire);
  const slots = (await labelsAt(store, questionnaire)).filter(
    ({ comparison, slot }) => typeof slot === "number" && slot < perComparison && comparison < count,
  );
  const timely: TimelyLabel[] = [];
  for await (const { at, label } of readLabels(store, questionnaire, slots)) {
    if (label.late) continue;
    const { choice, strength, at: givenAt } = label;
    const audit = audited.has(at.comparison) ? true : undefined;
    timely.push({ at: at as TimelyLabel["at"], choice, strength, audit, givenAt });
  }
  return timely;
}

/** The newest revision of each slot, unless it was taken back or withdrawn. */
export function rowsOf(
  { digest }: Questionnaire,
  labels: readonly TimelyLabel[],
  withdrawn: Withdrawn,
): SealRow[] {
  const newest = new Map<string, TimelyLabel>();
  for (const label of labels) {
    const name = rowName(label.at.comparison, label.at.slot);
    if (label.at.revision >= (newest.get(name)?.at.revision ?? 0)) newest.set(name, label);
  }
  return [...newest.values()]
    .flatMap(({ at, choice, strength, audit }): SealRow[] => {
      if (choice === null || withdrawn.has(nameOf(digest, at))) return [];
      const { comparison, slot, revision } = at;
      return [{ comparison, slot, revision, choice, strength, audit }];
    })
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
