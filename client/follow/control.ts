// pause, resume, cancel: Temporal updates that end up in the ledger with who and why. An update sent to nobody would be carried out
// whenever a worker comes back, long after its sender gave up; so it is sent only where a worker has just answered a query.
import { RatchetError } from "../../errors/index.ts";
import { activityQueue, campaignWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import type { Store } from "../../store/types.ts";
import type { ControlReply } from "../../workflows/messages.ts";
import type { ControlVerb, Gateway } from "../../temporal/gateway.ts";
import { hasEnded } from "./outcome.ts";
import { requireCampaign } from "../record/record.ts";

export interface ControlOptions {
  by: string;
  why: string;
  /** The same id is carried out once. */
  requestId: string;
}

/** Together under the 10 s in which a missing worker is said. */
const ANSWER_MS = 5_000;
const ACCEPT_MS = 4_000;

export async function controlCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  verb: ControlVerb,
  { by, why, requestId }: ControlOptions,
): Promise<ControlReply> {
  const { record } = await requireCampaign(store, campaignId);
  if (hasEnded(record))
    throw new RatchetError("campaign_ended", `campaign ${campaignId} has ended: ${record.status}`);
  const run = await gateway.run(campaignWorkflowId(campaignId));
  if (run?.status !== "running") {
    throw new RatchetError("not_running", `campaign ${campaignId} is not running on ${gateway.address}`, {
      hint: "ratchet start takes it up from its ledger",
    });
  }
  for (const queue of [WORKFLOW_QUEUE, activityQueue("control")]) {
    if ((await gateway.pollers(queue)).length === 0)
      throw noWorker(verb, campaignId, `no worker polls ${queue}`);
  }
  if (!(await gateway.progress(campaignId, ANSWER_MS)))
    throw noWorker(verb, campaignId, `no worker answers on ${WORKFLOW_QUEUE}`);
  return gateway.control(campaignId, verb, { by, why }, { updateId: requestId, timeoutMs: ACCEPT_MS });
}

const noWorker = (verb: ControlVerb, campaignId: string, reason: string): RatchetError =>
  new RatchetError("no_worker", `the ${verb} of ${campaignId} is not recorded: ${reason}`, {
    hint: "start one: ratchet worker",
  });
