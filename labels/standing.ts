// The labels of one questionnaire: who has which slot of which comparison, and what counts.
import { comparisonFolder, labelName, labelsOf, parseLabelName } from "../campaign/ids.ts";
import type { LabelAt } from "../campaign/ids.ts";
import type { Label, SealRow } from "../campaign/labeling/types.ts";
import type { Store } from "../store/types.ts";
import { readLabel } from "./label.ts";
import type { Questionnaire } from "./questionnaires.ts";

/** Reads that run at once: stores answer many small reads at the same time. */
export const AT_ONCE = 32;

/**
 * - `open`: it counts if the questionnaire is closed now.
 * - `counted`: the seal lists it.
 * - `late`: given after the seal, or while it was made.
 * - `extra`: others have the slots.
 * - `withdrawn`: its labeler took it back before the seal.
 */
export type LabelState = "open" | "counted" | "late" | "extra" | "withdrawn";

/** Where the labels of a questionnaire, or of one comparison of it, are; reads none of them. */
export async function labelsAt(
  store: Store,
  questionnaire: Questionnaire,
  comparison?: number,
): Promise<LabelAt[]> {
  const prefix = prefixOf(questionnaire);
  const folder = comparison === undefined ? "" : comparisonFolder(comparison);
  const found: LabelAt[] = [];
  for await (const key of store.backend.list(prefix + folder)) {
    const at = parseLabelName(key.slice(prefix.length));
    if (at) found.push(at);
  }
  return found;
}

export const prefixOf = ({ campaignId, place, digest }: Questionnaire): string =>
  labelsOf(campaignId, place, digest);

export const keyAt = (questionnaire: Questionnaire, at: LabelAt): string =>
  `${prefixOf(questionnaire)}${labelName(at)}`;

/** The newest revision of each slot and extra, by comparison and slot; extras come last. */
export function newest(labels: readonly LabelAt[]): LabelAt[] {
  const byPlace = new Map<string, LabelAt>();
  for (const at of labels) {
    const name = labelName({ ...at, revision: 0 });
    if (at.revision >= (byPlace.get(name)?.revision ?? 0)) byPlace.set(name, at);
  }
  return [...byPlace.values()].sort(inOrder);
}

/** Returns the newest label of each slot and extra. If that one is late, it also returns the sealed one. */
export function toShow(labels: readonly LabelAt[], sealed: SealedRows | undefined): LabelAt[] {
  const shown = newest(labels);
  const names = new Set(shown.map(labelName));
  for (const { comparison, slot, revision } of sealed?.values() ?? [])
    if (!names.has(labelName({ comparison, slot, revision }))) shown.push({ comparison, slot, revision });
  return shown.sort(inOrder);
}

const rank = ({ slot }: LabelAt): number => (typeof slot === "number" ? slot : Infinity);

/** By comparison, then slot, then revision. */
const inOrder = (a: LabelAt, b: LabelAt): number =>
  a.comparison - b.comparison ||
  (rank(a) === rank(b) ? (labelName(a) < labelName(b) ? -1 : 1) : rank(a) - rank(b));

export interface StoredLabel {
  at: LabelAt;
  label: Label;
}

/** Reads labels, many at once, in the given order. A label that was deleted meanwhile is left out. */
export async function* readLabels(
  store: Store,
  questionnaire: Questionnaire,
  labels: readonly LabelAt[],
): AsyncGenerator<StoredLabel> {
  for (let from = 0; from < labels.length; from += AT_ONCE) {
    const some = labels.slice(from, from + AT_ONCE);
    const read = some.map(async (at) => ({
      at,
      label: await readLabel(store.backend, keyAt(questionnaire, at)),
    }));
    for (const { at, label } of await Promise.all(read)) if (label) yield { at, label };
  }
}

/** `sealed`: the rows of the seal by comparison and slot; undefined while the questionnaire is open. */
export function stateOf({ at, label }: StoredLabel, sealed: SealedRows | undefined): LabelState {
  if (typeof at.slot === "number" && sealed?.get(rowName(at.comparison, at.slot))?.revision === at.revision)
    return "counted";
  if (label.late) return "late";
  if (label.choice === null) return "withdrawn";
  if (typeof at.slot !== "number") return "extra";
  return sealed ? "late" : "open";
}

export type SealedRows = ReadonlyMap<string, SealRow>;

export const rowName = (comparison: number, slot: number): string => `${comparison}/${slot}`;

export const byRowName = (rows: readonly SealRow[]): SealedRows =>
  new Map(rows.map((row) => [rowName(row.comparison, row.slot), row]));
