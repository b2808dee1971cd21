// Sends a pause, resume or cancel to the campaign's workflow: a Temporal update, first accepted, then
// recorded in the ledger.
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from "@temporalio/client";
import type { Client } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { codeOf, RatchetError } from "../errors/index.ts";
import { campaignWorkflowId } from "../campaign/ids.ts";
import type { ControlReply, ControlRequest, ControlVerb } from "../workflows/messages.ts";
import type { TemporalAddress } from "./gateway.ts";
import { isTimeout, translated } from "./grpc.ts";

interface Control {
  campaignId: string;
  verb: ControlVerb;
  request: ControlRequest;
  /** Temporal carries out one update per id. */
  updateId: string;
  /** From sending to the acceptance. */
  timeoutMs: number;
}

/** From the acceptance to the ledger's row. */
const RECORDED_MS = 30_000;

export async function sendControl(
  { workflow, connection }: Client,
  where: Pick<TemporalAddress, "address" | "namespace">,
  control: Control,
): Promise<ControlReply> {
  const { campaignId, verb, request, updateId, timeoutMs } = control;
  const handle = workflow.getHandle(campaignWorkflowId(campaignId));
  let accepted = false;
  try {
    const update = await connection.withDeadline(Date.now() + timeoutMs, () =>
      handle.startUpdate<ControlReply, [ControlRequest]>(verb, {
        args: [request],
        updateId,
        waitForStage: "ACCEPTED",
      }),
    );
    accepted = true;
    // The update is in the campaign's history now: it is carried out even if this client goes away.
    return await connection.withDeadline(Date.now() + RECORDED_MS, () => update.result());
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw refusal(error);
    if (error instanceof WorkflowNotFoundError) throw ended(control, where.address, error);
    if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isTimeout(error)))
      throw translated(where, error);
    throw accepted ? unrecorded(control, error) : unaccepted(control, error);
  }
}

/** The refusal of the workflow itself, with its code. */
function refusal(error: WorkflowUpdateFailedError): Error {
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return error;
  return new RatchetError(codeOf(cause.type, "refused"), cause.message, { cause: error });
}

const ended = ({ campaignId }: Control, address: string, cause: unknown): RatchetError =>
  new RatchetError("campaign_ended", `campaign ${campaignId} has no open run on ${address}`, { cause });

const unaccepted = ({ campaignId, verb, timeoutMs }: Control, cause: unknown): RatchetError =>
  new RatchetError(
    "no_worker",
    `no worker answered the ${verb} of ${campaignId} within ${timeoutMs / 1000} s`,
    { cause },
  );

const unrecorded = ({ campaignId, verb }: Control, cause: unknown): RatchetError =>
  new RatchetError(
    "control_pending",
    `the ${verb} of ${campaignId} was accepted but is not recorded after ${RECORDED_MS / 1000} s`,
    { hint: "it is carried out as soon as a worker polls ratchet-control", cause },
  );
