// What a campaign still waits for from people, read from the store alone.
import { labelDecisions } from "../../campaign/labeling/ledger-rules.ts";
import { currentPlace } from "../../campaign/rules.ts";
import { labelersAt, labelSettingsAt } from "../../campaign/spec/labels-at.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { CampaignRecord, LedgerRow } from "../../campaign/types.ts";
import { askingOf } from "../../labels/asking.ts";
import { decidedBy } from "../../labels/decided.ts";
import type { Withdrawn } from "../../labels/decided.ts";
import { questionnairesOf } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { isWithdrawn, labelsAt, newest, readLabels } from "../../labels/standing.ts";
import type { Store } from "../../store/types.ts";

export interface WaitingForPeople {
  /** `it-0003.1` */
  place: string;
  /** Labels that would count now, of those that are asked. */
  labels: number;
  slots: number;
  /** Withdrawn by the ledger, and not given again; absent if there are none. */
  withdrawn?: number;
  /** Labelers who gave a label within the last hour. */
  active: number;
  /** Until the deadline, 0 after it; absent without one. */
  leftMs?: number;
}

/** A labeler is active if the newest label is not older. */
const ACTIVE_MS = 60 * 60_000;

/** Undefined unless people are asked now. */
export async function waitingForPeople(
  store: Store,
  spec: CompiledSpec,
  record: CampaignRecord,
  rows: readonly LedgerRow[],
  nowMs = Date.now(),
): Promise<WaitingForPeople | undefined> {
  const at = currentPlace(record);
  const settings = labelSettingsAt(spec, at);
  if (!settings || settings.api !== undefined || spec.modules[labelersAt(at)]) return undefined;
  const { repairs, withdrawn } = decidedBy(rows);
  const all = await questionnairesOf(store, record.campaignId, repairs);
  const { questionnaire: open } =
    (await askingOf(store, all, record, repairs)).find(({ asking }) => asking === "open") ?? {};
  if (!open) return undefined;
  const { count, perComparison } = open.result;
  return {
    place: open.place,
    slots: count * perComparison,
    ...(await givenTo(store, open, withdrawn, nowMs)),
    leftMs: leftMs(open, settings.deadlineMs, rows, nowMs),
  };
}

async function givenTo(
  store: Store,
  questionnaire: Questionnaire,
  withdrawn: Withdrawn,
  nowMs: number,
): Promise<Pick<WaitingForPeople, "labels" | "withdrawn" | "active">> {
  let [labels, gone] = [0, 0];
  const active = new Set<string>();
  const given = newest(await labelsAt(store, questionnaire)).filter(({ slot }) => typeof slot === "number");
  for await (const stored of readLabels(store, questionnaire, given)) {
    const { label } = stored;
    if (isWithdrawn(stored, withdrawn)) {
      gone += 1;
      continue;
    }
    if (label.choice !== null) labels += 1;
    if (nowMs - Date.parse(label.at) < ACTIVE_MS) active.add(label.labeler);
  }
  return { labels, withdrawn: gone === 0 ? undefined : gone, active: active.size };
}

function leftMs(
  { place, openedAt }: Questionnaire,
  deadlineMs: number | undefined,
  rows: readonly LedgerRow[],
  nowMs: number,
): number | undefined {
  if (deadlineMs === undefined) return undefined;
  const { extendedMs } = labelDecisions(rows, place);
  return Math.max(0, Date.parse(openedAt) + deadlineMs + extendedMs - nowMs);
}
