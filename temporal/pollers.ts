// Which workers poll a task queue.
import type { WorkflowService } from "@temporalio/client";
import { buildOf, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import { timeMs } from "./timestamp.ts";

export interface Poller {
  identity: string;
  lastPollMs: number;
}

/** A poll lasts a minute at most, but the server lists a poller for about five after its last poll. */
const POLLING_MS = 70_000;

/**
 * temporal.api.enums.v1.TaskQueueType. The worker of the workflow queue runs no activities, the other workers
 * no workflows.
 */
const TASK_QUEUE_TYPE = { workflow: 1, activity: 2 } as const;

/** Empty if no worker has polled the queue in the last five minutes or so. */
export async function pollersOf(
  { workflowService }: { workflowService: WorkflowService },
  namespace: string,
  queue: string,
): Promise<Poller[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    taskQueueType: queue === WORKFLOW_QUEUE ? TASK_QUEUE_TYPE.workflow : TASK_QUEUE_TYPE.activity,
  });
  return (pollers ?? []).map(({ identity, lastAccessTime }) => ({
    identity: identity ?? "",
    lastPollMs: timeMs(lastAccessTime) ?? 0,
  }));
}

/** Undefined if nobody has polled. */
export const newestPollMs = (pollers: readonly Poller[]): number | undefined =>
  pollers.length === 0 ? undefined : Math.max(...pollers.map(({ lastPollMs }) => lastPollMs));

/** One poller of ours for each build that polls now. */
export function pollersByBuild(pollers: readonly Poller[]): Map<string, Poller> {
  const builds = new Map<string, Poller>();
  for (const poller of pollers) {
    const build = Date.now() - poller.lastPollMs < POLLING_MS ? buildOf(poller.identity) : undefined;
    if (build !== undefined) builds.set(build, poller);
  }
  return builds;
}
