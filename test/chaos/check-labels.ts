// The checks of a campaign's labels: each label that its giver was told of is stored, once, and counts
// exactly if the seal lists it.
import type { SealRow } from "../../campaign/labeling/types.ts";
import { questionnairesOf, readSeal } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { sealedRows } from "../../labels/seal-rows.ts";
import { labelsAt, readLabels } from "../../labels/standing.ts";
import type { StoredLabel } from "../../labels/standing.ts";
import type { Store } from "../../store/types.ts";
import type { Told } from "./crowd.ts";
import { CAMPAIGN } from "./environment.ts";
import type { Events } from "./events.ts";
import { ASKING_PLACE, BOOTSTRAP_PLACE } from "./tiny-shop.ts";
import type { Labelers } from "./tiny-shop.ts";

const NO_REPAIRS = new Map<string, number>();

/** The iteration's questionnaire; undefined while it has none. */
export async function questionnaireIn(
  store: Store,
  place: string = ASKING_PLACE,
): Promise<Questionnaire | undefined> {
  const all = await questionnairesOf(store, CAMPAIGN, NO_REPAIRS);
  return all.find((each) => each.place === place);
}

/** The rows that the seal lists; undefined while nobody was asked, or while the questionnaire is open. */
export async function listedRows(store: Store, place?: string): Promise<SealRow[] | undefined> {
  const questionnaire = await questionnaireIn(store, place);
  const seal = questionnaire && (await readSeal(store, questionnaire, NO_REPAIRS));
  return seal && sealedRows(store, seal);
}

export interface LabelsVerdict {
  problems: string[];
  lost: number;
  doubled: number;
}

/** The bootstrap's labels come from a module, so nobody is told that one is stored. */
export async function checkLabels(
  store: Store,
  labelers: Labelers,
  told: readonly Told[],
  events: Events,
): Promise<LabelsVerdict> {
  const verdicts = [await verdictAt(store, BOOTSTRAP_PLACE, [], events)];
  if (labelers !== "nobody") verdicts.push(await verdictAt(store, ASKING_PLACE, told, events));
  return {
    problems: verdicts.flatMap(({ problems }) => problems),
    lost: sum(verdicts.map(({ lost }) => lost)),
    doubled: sum(verdicts.map(({ doubled }) => doubled)),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

async function verdictAt(
  store: Store,
  place: string,
  told: readonly Told[],
  events: Events,
): Promise<LabelsVerdict> {
  const questionnaire = await questionnaireIn(store, place);
  const rows = await listedRows(store, place);
  if (!questionnaire || !rows)
    return { problems: [`no questionnaire of ${place} was closed`], lost: 0, doubled: 0 };
  const labels: StoredLabel[] = [];
  for await (const label of readLabels(store, questionnaire, await labelsAt(store, questionnaire)))
    labels.push(label);
  const { count, perComparison } = questionnaire.result;
  return labelsVerdict(rows, labels, told, { sealing: sealedAt(events), slots: count * perComparison });
}

/** Position in the log at which the first attempt to close the questionnaire began. */
const sealedAt = ({ list }: Events): number =>
  list.findIndex(
    ({ point }) =>
      point.what === "begin" &&
      point.attempt.type === "sealLabels" &&
      point.attempt.workflowId.endsWith(`/${ASKING_PLACE}`),
  );

interface Asked {
  /**
   * Position in the log at which the sealing began. A label that was told before counts; one that was told
   * later counts or is late.
   */
  sealing: number;
  /** Labels that were asked for. */
  slots: number;
}

export function labelsVerdict(
  rows: readonly SealRow[],
  labels: readonly StoredLabel[],
  told: readonly Told[],
  { sealing, slots: asked }: Asked,
): LabelsVerdict {
  const verdict: LabelsVerdict = { problems: [], lost: 0, doubled: 0 };
  for (const group of groupsOf(told)) judge(group, rows, labels, sealing, verdict);
  const slots = new Set(rows.map(({ comparison, slot }) => `${comparison}/${slot}`));
  verdict.doubled += rows.length - slots.size;
  const places = new Set(
    labels.map(({ at, label }) => `${at.comparison}/${JSON.stringify(at.slot)}/${label.labeler}`),
  );
  const people = new Set(labels.map(({ at, label }) => `${at.comparison}/${label.labeler}`));
  verdict.doubled += places.size - people.size;
  if (verdict.doubled > 0) verdict.problems.push(`${verdict.doubled} labels doubled`);
  if (verdict.lost > 0) verdict.problems.push(`${verdict.lost} labels lost`);
  const wrong = rows.find(({ comparison, slot, revision }) => {
    const listed = labels.find(
      ({ at }) => at.comparison === comparison && at.slot === slot && at.revision === revision,
    );
    return !listed || listed.label.late === true;
  });
  if (wrong) verdict.problems.push(`the seal lists a late label or none: ${JSON.stringify(wrong)}`);
  if (rows.length > asked) verdict.problems.push(`the seal lists ${rows.length} labels`);
  return verdict;
}

/** By labeler and comparison, each in the order of the answers. */
function groupsOf(told: readonly Told[]): Told[][] {
  const groups = new Map<string, Told[]>();
  for (const one of told) {
    const name = `${one.labeler}/${one.comparison}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()];
}

/** The nth change of mind is revision n, because nobody takes a label back. */
function judge(
  group: readonly Told[],
  rows: readonly SealRow[],
  labels: readonly StoredLabel[],
  sealing: number,
  verdict: LabelsVerdict,
): void {
  const { labeler, comparison } = group[0] as Told;
  const own = labels.filter(({ at, label }) => at.comparison === comparison && label.labeler === labeler);
  verdict.lost += group.filter((_, revision) => !own.some(({ at }) => at.revision === revision)).length;
  if (own.length > group.length) verdict.doubled += own.length - group.length;
  const slot = own[0]?.at.slot;
  const row = rows.find((each) => each.comparison === comparison && each.slot === slot);
  const kept = group.findLastIndex(({ at, outcome }) => outcome === "kept" && at <= sealing);
  if (kept >= 0 && (row?.revision ?? -1) < kept)
    verdict.problems.push(
      `a label of ${labeler} of comparison ${comparison} was told, and is not in the seal`,
    );
  const last = group.at(-1) as Told;
  if (last.outcome === "late" && row?.revision === group.length - 1)
    verdict.problems.push(
      `a label of ${labeler} of comparison ${comparison} was told to be late, and counts`,
    );
}
