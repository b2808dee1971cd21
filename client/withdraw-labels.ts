// `labels withdraw`: a row of the ledger names labels that no later seal lists. The labels stay in the store,
// and so does everything that was trained on them.
import { RatchetError } from "../errors/index.ts";
import type { Address } from "../campaign/ids.ts";
import { labelName } from "../campaign/ids.ts";
import type { LedgerEvent, LedgerRow, WithdrawnLabels } from "../campaign/types.ts";
import type { Withdrawn } from "../labels/decided.ts";
import type { Questionnaire } from "../labels/questionnaires.ts";
import { isWithdrawn, labelsAt, readLabels } from "../labels/standing.ts";
import type { Store } from "../store/types.ts";
import { refuseMoved, requireQuestionnaires } from "./labels.ts";
import { requireCampaign } from "./record/record.ts";
import { readWithdrawals } from "./record/withdrawals.ts";
import type { Withdrawal } from "./record/withdrawals.ts";

export interface WithdrawOptions {
  labeler: string;
  /** Numbers of comparisons; by default all. The address must then name one questionnaire. */
  comparisons?: readonly number[] | undefined;
  by: string;
  why: string;
  /** The same id is recorded once. */
  requestId: string;
}

export interface LabelsWithdrawn {
  campaignId: string;
  /** Undefined if all these labels were withdrawn before: nothing is recorded then. */
  withdrawal?: Withdrawal | undefined;
}

/** A run of the campaign may be opened, and so take the epoch, this many times in a row. */
const TRIES = 10;

export async function withdrawLabels(
  store: Store,
  address: Address,
  options: WithdrawOptions,
): Promise<LabelsWithdrawn> {
  const { asking, record, decided } = await requireQuestionnaires(store, address);
  const questionnaires = asking.map(({ questionnaire }) => questionnaire);
  refuseMoved(record);
  refuseMany(questionnaires, options);
  const { campaignId } = record;
  const { labels, given } = await labelsBy(store, questionnaires, decided.withdrawn, options);
  if (given === 0) throw unknownLabeler(campaignId, options);
  if (labels.length === 0) return { campaignId };
  const { labeler, by, why } = options;
  const row = await append(
    store,
    campaignId,
    { type: "labels-withdrawn", labeler, labels, by, why },
    options,
  );
  const now = await requireCampaign(store, campaignId);
  const withdrawals = await readWithdrawals(store, now.record, now.rows);
  return { campaignId, withdrawal: withdrawals.find(({ row: n }) => n === row.n) };
}

/** `given`: labels of the labeler, withdrawn ones too. */
async function labelsBy(
  store: Store,
  questionnaires: readonly Questionnaire[],
  withdrawn: Withdrawn,
  { labeler, comparisons }: WithdrawOptions,
): Promise<{ labels: WithdrawnLabels[]; given: number }> {
  const labels: WithdrawnLabels[] = [];
  let given = 0;
  for (const questionnaire of questionnaires) {
    const names: string[] = [];
    const wanted = (await labelsAt(store, questionnaire)).filter(
      ({ comparison }) => !comparisons || comparisons.includes(comparison),
    );
    for await (const stored of readLabels(store, questionnaire, wanted)) {
      if (stored.label.labeler !== labeler || stored.label.choice === null) continue;
      given += 1;
      if (!isWithdrawn(stored, withdrawn)) names.push(labelName(stored.at));
    }
    const { place, digest } = questionnaire;
    if (names.length > 0) labels.push({ place, questionnaire: digest, names });
  }
  return { labels, given };
}

/** Beside a running campaign: its run continues, because the row has its epoch. */
async function append(
  store: Store,
  campaignId: string,
  event: LedgerEvent,
  { by, requestId }: WithdrawOptions,
): Promise<LedgerRow> {
  for (let tries = 1; ; tries += 1) {
    const { record } = await requireCampaign(store, campaignId);
    refuseMoved(record);
    const row = { id: `labels-withdrawn:${requestId}`, epoch: record.epoch, event, by };
    try {
      return (await store.ledger(campaignId).append<LedgerEvent>(row)) as LedgerRow;
    } catch (error) {
      if ((error as RatchetError).code !== "lease_lost" || tries === TRIES) throw error;
    }
  }
}

function refuseMany(
  questionnaires: readonly Questionnaire[],
  { comparisons }: Pick<WithdrawOptions, "comparisons">,
): void {
  if (!comparisons || questionnaires.length === 1) return;
  const places = questionnaires.map(({ place }) => place).join(", ");
  throw new RatchetError(
    "usage_invalid",
    `numbers of comparisons are of one questionnaire, not of ${places}`,
    {
      hint: "name its iteration: <campaign>/<iteration>[.<take>]",
    },
  );
}

function unknownLabeler(campaignId: string, { labeler, comparisons }: WithdrawOptions): RatchetError {
  const of = comparisons ? ` of comparison ${comparisons.join(", ")}` : "";
  return new RatchetError(
    "labeler_unknown",
    `${JSON.stringify(labeler)} gave no label${of} in ${campaignId}`,
    {
      hint: "`ratchet labels stats` lists the labelers",
    },
  );
}
