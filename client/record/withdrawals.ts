// Which labels rows of the ledger withdraw, and what had been trained on them. A seal decides that alone: a
// label that it lists was trained on, whenever the row was written.
import type { CampaignRecord, Digest, LedgerRow } from "../../campaign/types.ts";
import { labelName } from "../../campaign/ids.ts";
import { decidedBy } from "../../labels/decided.ts";
import { questionnairesOf, readSeal } from "../../labels/questionnaires.ts";
import type { Questionnaire, Repairs } from "../../labels/questionnaires.ts";
import { sealedRows } from "../../labels/seal-rows.ts";
import type { Store } from "../../store/types.ts";
import { treesFrom } from "./descent.ts";
import { finishedPlaces } from "./places.ts";

/** One row of the ledger. */
export interface Withdrawal {
  row: number;
  at: string;
  by: string;
  why: string;
  labeler: string;
  labels: number;
  /** Places whose seal lists some of these labels. */
  trained: TrainedOn[];
  /** Other finished places that started from a model of those places, or that were scored by one. */
  descended: Descendant[];
}

export interface TrainedOn {
  place: string;
  /** Labels that the seal lists, and of these the audit part's, which nothing is trained on. */
  labels: number;
  audit: number;
  /** Digest of the seal's result. */
  seal: Digest;
  /** Trees that were trained on them; empty while the place has not finished. */
  models: Digest[];
}

export interface Descendant {
  place: string;
  policy: Digest;
}

type WithdrawnRow = LedgerRow & { event: { type: "labels-withdrawn" } };

export async function readWithdrawals(
  store: Store,
  record: CampaignRecord,
  rows: readonly LedgerRow[],
): Promise<Withdrawal[]> {
  const found = rows.filter((row): row is WithdrawnRow => row.event.type === "labels-withdrawn");
  if (found.length === 0) return [];
  const { repairs } = decidedBy(rows);
  const questionnaires = new Map<Digest, Questionnaire>();
  for (const one of await questionnairesOf(store, record.campaignId, repairs))
    questionnaires.set(one.digest, one);
  return Promise.all(found.map((row) => withdrawalOf(store, record, row, { questionnaires, repairs })));
}

async function withdrawalOf(
  store: Store,
  record: CampaignRecord,
  { n, at, event }: WithdrawnRow,
  { questionnaires, repairs }: { questionnaires: ReadonlyMap<Digest, Questionnaire>; repairs: Repairs },
): Promise<Withdrawal> {
  const { labeler, by, why, labels } = event;
  const sealed: Omit<TrainedOn, "models">[] = [];
  for (const { questionnaire, names } of labels) {
    const asked = questionnaires.get(questionnaire);
    const seal = asked && (await readSeal(store, asked, repairs));
    if (!seal) continue;
    const gone = new Set(names);
    const listed = (await sealedRows(store, seal)).filter((row) => gone.has(labelName(row)));
    const audit = listed.filter((row) => row.audit).length;
    if (listed.length > 0)
      sealed.push({ place: asked.place, labels: listed.length, audit, seal: seal.digest });
  }
  const trainedOn = sealed.filter((one) => one.labels > one.audit).map(({ seal }) => seal);
  const learned = trainedOn.length === 0 ? new Map() : await treesFrom(store, record, trainedOn);
  return {
    row: n,
    at,
    by,
    why,
    labeler,
    labels: labels.reduce((sum, { names }) => sum + names.length, 0),
    trained: sealed.map((one) => ({ ...one, models: learned.get(one.place) ?? [] })),
    descended: finishedPlaces(record)
      .filter(({ name }) => learned.has(name) && !sealed.some(({ place }) => place === name))
      .map(({ name: place, policy }) => ({ place, policy })),
  };
}
