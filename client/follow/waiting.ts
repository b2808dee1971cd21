// Work that waits in a task queue because no worker takes it.
import { activityQueue, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import type { Plan, StageName } from "../../campaign/types.ts";
import type { Gateway, PendingActivity, Run } from "../../temporal/gateway.ts";
import { newestPollMs } from "../../temporal/pollers.ts";
import type { Poller } from "../../temporal/pollers.ts";

/** A queue with work that no worker takes. */
export interface Waiting {
  queue: string;
  sinceMs: number;
  /** Newest poll; absent if no worker has polled within the server's memory of about five minutes. */
  lastPollMs?: number;
}

/** A free worker takes a task sooner than this. */
const TAKEN_MS = 5_000;
/**
 * A busy worker sends a heartbeat every second. Together with the 10 s that `watch` waits before it reports a
 * queue, a missing worker is reported well within 30 s.
 */
const SILENT_MS = 10_000;

/** The workflow queue, when no worker answers for the campaign's workflow. */
export function workflowWaiting({ taskSinceMs }: Run, pollers: readonly Poller[]): Waiting {
  const lastPollMs = newestPollMs(pollers) || undefined;
  return { queue: WORKFLOW_QUEUE, sinceMs: taskSinceMs ?? lastPollMs ?? Date.now(), lastPollMs };
}

/** The queues of these activities on which one waits and no worker is at work. */
export async function activitiesWaiting(
  gateway: Gateway,
  pending: readonly PendingActivity[],
  plan: Plan,
): Promise<Waiting[]> {
  const byQueue = new Map<string, PendingActivity[]>();
  for (const activity of pending) {
    const queue = queueOf(activity.type, plan);
    byQueue.set(queue, [...(byQueue.get(queue) ?? []), activity]);
  }
  const waiting = await Promise.all(
    [...byQueue].map(([queue, activities]) => waitingOn(gateway, queue, activities)),
  );
  return waiting.flatMap((entry) => entry ?? []);
}

async function waitingOn(
  gateway: Gateway,
  queue: string,
  activities: readonly PendingActivity[],
): Promise<Waiting | undefined> {
  const now = Date.now();
  const untaken = activities.filter(
    ({ state, scheduledAtMs }) => state === "scheduled" && now - scheduledAtMs > TAKEN_MS,
  );
  if (untaken.length === 0) return undefined;
  const sinceMs = Math.min(...untaken.map(({ scheduledAtMs }) => scheduledAtMs));
  const lastPollMs = newestPollMs(await gateway.pollers(queue));
  if (lastPollMs === undefined) return { queue, sinceMs };
  const busy = activities.some(
    ({ state, heartbeatAtMs = 0 }) => state === "started" && now - heartbeatAtMs < SILENT_MS,
  );
  // The server still lists the polls of a worker that died: only a newer poll shows a living one.
  const gone = !busy && lastPollMs < sinceMs && now - sinceMs > SILENT_MS;
  return gone ? { queue, sinceMs, lastPollMs } : undefined;
}

/** Stages have the queues of the spec, all other activities write the ledger on the control queue. */
const queueOf = (type: string, { queues }: Plan): string =>
  activityQueue(type in queues ? queues[type as StageName] : "control");
