// Timeouts and retries of every activity, each with its reason, and the proxies that use them.
// Retries are limited by kind of failure (activities/failure.ts), not by count: a drained worker is a failed attempt too.
import { proxyActivities } from "@temporalio/workflow";
import type { ActivityOptions } from "@temporalio/workflow";
import type { ControlActivities, StageActivities } from "../activities/contract.ts";
import { activityQueue } from "../campaign/ids.ts";
import type { PlacePlan, StageName } from "../campaign/types.ts";

/** Short store work. Sealing ten thousand pieces reads them all: heartbeats, not the time it takes, tell a dead worker. */
const CONTROL: ActivityOptions = {
  taskQueue: activityQueue("control"),
  startToCloseTimeout: "1 hour",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "500ms", backoffCoefficient: 2, maximumInterval: "20s" },
};

/**
 * Stages compute in a child process, so heartbeats never stop on a living worker: 15 s finds a dead one.
 * The start-to-close limit only bounds what neither heartbeats nor the progress watchdog saw.
 */
const STAGE: ActivityOptions = {
  startToCloseTimeout: "7 days",
  heartbeatTimeout: "15s",
  retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "30s" },
  // A cancelled stage saves what it has before the workflow goes on.
  cancellationType: "WAIT_CANCELLATION_COMPLETED",
};

export const control = proxyActivities<ControlActivities>(CONTROL);

/** Stage activities on the queue that the plan gives the stage. */
export function stageActivities(plan: PlacePlan, stage: StageName, summary: string): StageActivities {
  return proxyActivities<StageActivities>({
    ...STAGE,
    taskQueue: activityQueue(plan.queues[stage]),
    summary,
  });
}
