// A firing out of Temporal's description of a schedule, and how its workflow ended.
import { WorkflowFailedError, WorkflowNotFoundError } from "@temporalio/client";
import type { Client, ScheduleExecutionResult, WorkflowHandle } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import { firingWorkflowId } from "../campaign/ids.ts";
import { runOf } from "./describe-run.ts";
import type { Firing } from "./schedules.ts";

export async function firingOf(
  { workflow }: Client,
  schedule: string,
  { takenAt, action }: ScheduleExecutionResult,
): Promise<Firing> {
  const { workflowId, firstExecutionRunId } = action.workflow;
  const firing: Firing = {
    at: new Date(workflowId.slice(firingWorkflowId(schedule).length + 1)),
    startedAt: takenAt,
    workflowId,
  };
  const handle = workflow.getHandle(workflowId, firstExecutionRunId);
  try {
    const { status } = runOf(await handle.describe());
    return { ...firing, status, failure: status === "failed" ? await failureOf(handle) : undefined };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return firing;
    throw error;
  }
}

/** Code and message that a closed run failed with; undefined if it did not fail. */
export async function failureOf(
  handle: Pick<WorkflowHandle, "result">,
): Promise<{ code: string; message: string } | undefined> {
  try {
    await handle.result();
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    const code = cause instanceof ApplicationFailure ? cause.type : undefined;
    return { code: code ?? "unclassified", message: cause?.message ?? error.message };
  }
}
