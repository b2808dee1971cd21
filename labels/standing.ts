// The labels of one questionnaire: who has which slot of which comparison, and what counts.
import { comparisonFolder, labelName, labelsOf, parseLabelName } from "../campaign/ids.ts";
import type { LabelAt } from "../campaign/ids.ts";
import type { Label, SealRow } from "../campaign/labeling/types.ts";
import type { Store } from "../store/types.ts";
import { nameOf } from "./decided.ts";
import type { Withdrawn } from "./decided.ts";
import { readLabel } from "./label.ts";
import type { Questionnaire } from "./questionnaires.ts";

/** Reads that run at once: stores answer many small reads at the same time. */
export const AT_ONCE = 32;

/**
 * - `open`: it counts if the questionnaire is closed now.
 * - `counted`: the seal lists it.
 * - `late`: given after the seal, or while it was made.
 * - `extra`: others have the slots.
 * - `withdrawn`: its labeler took it back before the seal, or a row of the ledger withdraws it.
 * - `undecided`: an API labeler gave no verdict, or has not answered all requests yet.
 */
export type LabelState = "open" | "counted" | "late" | "extra" | "withdrawn" | "undecided";

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

/**
 * Returns the newest label of each slot and extra, and also those behind it that the seal lists, or that were
 * withdrawn and whose slot others have now.
 */
export function toShow(
  { digest }: Questionnaire,
  labels: readonly LabelAt[],
  { sealed, withdrawn }: { sealed: SealedRows | undefined; withdrawn: Withdrawn },
): LabelAt[] {
  const shown = new Map(newest(labels).map((at) => [labelName(at), at]));
  for (const { comparison, slot, revision } of sealed?.values() ?? [])
    shown.set(labelName({ comparison, slot, revision }), { comparison, slot, revision });
  const isGone = (at: LabelAt): boolean => withdrawn.has(nameOf(digest, at));
  // A change of mind was withdrawn together with the label before it.
  for (const at of labels)
    if (isGone(at) && !isGone({ ...at, revision: at.revision + 1 })) shown.set(labelName(at), at);
  return [...shown.values()].sort(inOrder);
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

export const isWithdrawn = ({ at, label }: StoredLabel, withdrawn: Withdrawn): boolean =>
  withdrawn.has(nameOf(label.questionnaire, at));

/**
 * `sealed`: the rows of the seal by comparison and slot; undefined while the questionnaire is open. A label
 * that the seal lists stays `counted` if it is withdrawn later, because it was trained on.
 */
export function stateOf(
  stored: StoredLabel,
  sealed: SealedRows | undefined,
  withdrawn: Withdrawn,
): LabelState {
  const { at, label } = stored;
  if (typeof at.slot === "number" && sealed?.get(rowName(at.comparison, at.slot))?.revision === at.revision)
    return "counted";
  if (isWithdrawn(stored, withdrawn)) return "withdrawn";
  if (label.late) return "late";
  if (label.choice === null) return label.api ? "undecided" : "withdrawn";
  if (typeof at.slot !== "number") return "extra";
  return sealed ? "late" : "open";
}

export type SealedRows = ReadonlyMap<string, SealRow>;

export const rowName = (comparison: number, slot: number): string => `${comparison}/${slot}`;

export const byRowName = (rows: readonly SealRow[]): SealedRows =>
  new Map(rows.map((row) => [rowName(row.comparison, row.slot), row]));
