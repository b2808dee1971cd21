// pause, resume, cancel, rollback and amend. Temporal keeps an update until a worker takes it, perhaps long
// after its sender gave up. So it is sent only if a worker has just answered a query.
import { RatchetError } from "../../errors/index.ts";
import { activityQueue, campaignWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import type { Store } from "../../store/types.ts";
import type { ControlReply, ControlVerb } from "../../workflows/messages.ts";
import type { AmendmentRequest, LabelsDecision, PauseAt, RollbackTarget } from "../../campaign/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { hasEnded } from "./outcome.ts";
import { requireCampaign } from "../record/record.ts";

export interface ControlOptions {
  by: string;
  why: string;
  /** Requests with the same id are carried out once. */
  requestId: string;
  /** Ends a pause for too few labels. */
  labels?: LabelsDecision | undefined;
  /** Of a rollback. */
  to?: RollbackTarget | undefined;
  amendment?: AmendmentRequest | undefined;
  /** Of a pause. */
  at?: PauseAt | undefined;
}

/** Together under 10 s: a missing worker is reported within that time. */
const ANSWER_MS = 5_000;
const ACCEPT_MS = 4_000;

export async function controlCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  verb: ControlVerb,
  { by, why, requestId, labels, to, amendment, at }: ControlOptions,
): Promise<ControlReply> {
  const { record } = await requireCampaign(store, campaignId);
  if (hasEnded(record))
    throw new RatchetError("campaign_ended", `campaign ${campaignId} has ended: ${record.status}`, {
      hint: record.status === "failed" ? `ratchet start resumes it; then ${verb} it` : undefined,
    });
  const run = await gateway.run(campaignWorkflowId(campaignId));
  if (run?.status !== "running") {
    throw new RatchetError("not_running", `campaign ${campaignId} is not running on ${gateway.address}`, {
      hint: "ratchet start resumes it from its ledger",
    });
  }
  for (const queue of [WORKFLOW_QUEUE, activityQueue("control")]) {
    if ((await gateway.pollers(queue)).length === 0)
      throw noWorker(verb, campaignId, `no worker polls ${queue}`);
  }
  if (!(await gateway.progress(campaignId, ANSWER_MS)))
    throw noWorker(verb, campaignId, `no worker answers on ${WORKFLOW_QUEUE}`);
  return gateway.control(
    campaignId,
    verb,
    { by, why, labels, to, amendment, at },
    { updateId: requestId, timeoutMs: ACCEPT_MS },
  );
}

const noWorker = (verb: ControlVerb, campaignId: string, reason: string): RatchetError =>
  new RatchetError("no_worker", `the ${verb} of ${campaignId} is not recorded: ${reason}`, {
    hint: "start one: ratchet worker",
  });
