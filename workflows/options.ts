// Timeouts and retries of every activity, with the reasons, and the proxies that use them. Retries are
// limited by kind of failure (activities/attempt/failure.ts), not by count: a drained worker is a failed
// attempt too.
import { proxyActivities } from "@temporalio/workflow";
import type { ActivityOptions } from "@temporalio/workflow";
import type { ControlActivities, StageActivities } from "../activities/contract.ts";
import { activityQueue } from "../campaign/ids.ts";

/**
 * Work on the store. Sealing ten thousand pieces may take minutes; a dead worker is found by its missing
 * heartbeats, not by a timeout.
 */
const CONTROL: ActivityOptions = {
  taskQueue: activityQueue("control"),
  startToCloseTimeout: "1 hour",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "500ms", backoffCoefficient: 2, maximumInterval: "20s" },
};

/**
 * Stages compute in a child process, so a living worker always heartbeats: 15 s without one means that it is
 * dead. The start-to-close timeout bounds an attempt that both the heartbeats and the watchdog took for a
 * working one.
 */
const STAGE: ActivityOptions = {
  startToCloseTimeout: "7 days",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s" },
  // A cancelled stage saves its state before the workflow continues.
  cancellationType: "WAIT_CANCELLATION_COMPLETED",
};

export const control = proxyActivities<ControlActivities>(CONTROL);

export function stageActivities(queue: string, summary: string): StageActivities {
  return proxyActivities<StageActivities>({
    ...STAGE,
    taskQueue: activityQueue(queue),
    summary,
  });
}
