// Figures about labels: progress of a questionnaire, agreement between people, each labeler's habits.
import { qualityOf } from "../campaign/labeling/quality.ts";
import type { LabelQuality, Observed } from "../campaign/labeling/quality.ts";
import type { ApiCost, Choice, Label } from "../campaign/labeling/types.ts";
import type { Digest } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import { askedOf, costsOf } from "./api-labels.ts";
import type { Asking, AskingQuestionnaire } from "./asking.ts";
import type { Decided } from "./decided.ts";
import { comparisonsOf, readSeal } from "./questionnaires.ts";
import type { Questionnaire } from "./questionnaires.ts";
import { byRowName, isWithdrawn, labelsAt, readLabels, stateOf, toShow } from "./standing.ts";
import type { LabelState } from "./standing.ts";
import { sealedRows } from "./seal-rows.ts";

export interface QuestionnaireStats {
  place: string;
  questionnaire: Digest;
  openedAt: string;
  asking: Asking;
  /** Digest of the seal's result; absent without a seal. */
  seal?: Digest;
  comparisons: number;
  /** Labels that are asked: comparisons × labels of each. */
  slots: number;
  states: Record<LabelState, number>;
  /** Of the labels that the seal lists: withdrawn later. */
  withdrawnAfterSeal: number;
  /** Of labels that count, count if sealed now, or are extras; without withdrawn ones. */
  quality: LabelQuality;
  /** By API labeler; absent if none labels. */
  api?: ApiCost[];
}

const NONE: Record<LabelState, number> = {
  open: 0,
  counted: 0,
  late: 0,
  extra: 0,
  withdrawn: 0,
  undecided: 0,
};

/** `known`: right choices, by comparison. */
export async function statsOf(
  store: Store,
  { questionnaire, asking }: AskingQuestionnaire,
  { repairs, withdrawn }: Decided,
  known: ReadonlyMap<number, Choice> = new Map(),
): Promise<QuestionnaireStats> {
  const { place, digest, openedAt, result } = questionnaire;
  const seal = await readSeal(store, questionnaire, repairs);
  const rows = seal && byRowName(await sealedRows(store, seal));
  const lengths = await lengthsOf(store, questionnaire);
  const states = { ...NONE };
  let withdrawnAfterSeal = 0;
  const observed: Observed[] = [];
  const labels = toShow(questionnaire, await labelsAt(store, questionnaire), { sealed: rows, withdrawn });
  for await (const stored of readLabels(store, questionnaire, labels)) {
    const state = stateOf(stored, rows, withdrawn);
    states[state] += 1;
    const isGone = isWithdrawn(stored, withdrawn);
    if (isGone && state === "counted") withdrawnAfterSeal += 1;
    const texts = lengths.get(stored.label.comparison);
    const isUsed = ["open", "counted", "extra"].includes(state) && !isGone;
    if (isUsed && texts)
      observed.push(...observedOf(stored.label, texts, known.get(stored.label.comparison)));
  }
  return {
    place,
    questionnaire: digest,
    openedAt,
    asking,
    seal: seal?.digest,
    comparisons: result.count,
    slots: result.count * result.perComparison,
    states,
    withdrawnAfterSeal,
    quality: qualityOf(observed),
    ...(await costs(store, questionnaire)),
  };
}

function observedOf(
  { comparison, labeler, choice, seconds, shown, api }: Label,
  lengths: Observed["lengths"],
  known: Choice | undefined,
): Observed[] {
  if (choice === null) return [];
  return [{ comparison, labeler, choice, seconds, shown, asked: api?.asked, known, lengths }];
}

async function lengthsOf(
  store: Store,
  questionnaire: Questionnaire,
): Promise<Map<number, Observed["lengths"]>> {
  const lengths = new Map<number, Observed["lengths"]>();
  for await (const { comparison, first, second } of comparisonsOf(store, questionnaire))
    lengths.set(comparison, { first: first.text.length, second: second.text.length });
  return lengths;
}

async function costs(store: Store, questionnaire: Questionnaire): Promise<Pick<QuestionnaireStats, "api">> {
  const api = costsOf(await askedOf(store, questionnaire));
  return api.length > 0 ? { api } : {};
}
