// The newest run of a workflow and its pending activities, out of Temporal's description of it.
import { defaultPayloadConverter } from "@temporalio/client";
import type { WorkflowExecutionDescription } from "@temporalio/client";
import type { temporal } from "@temporalio/proto";
import type { PendingActivity, Run, RunStatus } from "./gateway.ts";
import { timeMs } from "./timestamp.ts";
import type { Heartbeat } from "./heartbeat.ts";

const RUN_STATUS: Record<string, RunStatus> = {
  RUNNING: "running",
  PAUSED: "running",
  COMPLETED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  TERMINATED: "terminated",
  TIMED_OUT: "timed-out",
  CONTINUED_AS_NEW: "running",
};

/** temporal.api.enums.v1.PendingActivityState: a worker has the activity. */
const STARTED: readonly unknown[] = [2 /* STARTED */, 3 /* CANCEL_REQUESTED */];

export function runOf({ runId, status, memo, raw }: WorkflowExecutionDescription): Run {
  const store = memo?.["store"];
  return {
    runId,
    status: RUN_STATUS[status.name] ?? "failed",
    store: typeof store === "string" ? store : undefined,
    taskSinceMs: timeMs(raw.pendingWorkflowTask?.originalScheduledTime) || undefined,
    pending: (raw.pendingActivities ?? []).map(pendingActivity),
  };
}

function pendingActivity(raw: temporal.api.workflow.v1.IPendingActivityInfo): PendingActivity {
  const nextMs = timeMs(raw.nextAttemptScheduleTime);
  const nextAtMs = nextMs !== undefined && nextMs > Date.now() ? nextMs : undefined;
  const heartbeat = raw.heartbeatDetails?.payloads?.[0];
  return {
    type: raw.activityType?.name ?? "",
    state: STARTED.includes(raw.state) ? "started" : nextAtMs === undefined ? "scheduled" : "backing-off",
    attempt: raw.attempt ?? 1,
    // scheduledTime is that of the first attempt; a later attempt is put on the queue when the back-off ends.
    scheduledAtMs: Math.max(timeMs(raw.scheduledTime) ?? 0, timeMs(raw.lastAttemptCompleteTime) ?? 0),
    heartbeatAtMs: timeMs(raw.lastHeartbeatTime) || undefined,
    heartbeat: heartbeat ? defaultPayloadConverter.fromPayload<Heartbeat>(heartbeat) : undefined,
    lastFailure: raw.lastFailure?.message || undefined,
    failureCode: raw.lastFailure?.applicationFailureInfo?.type || undefined,
    nextAtMs,
  };
}
