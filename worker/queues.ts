// The queues that a worker may serve, as RATCHET_QUEUES names them, and their names in Temporal.
import { activityQueue, WORKFLOW_QUEUE } from "../campaign/ids.ts";

export const taskQueueOf = (queue: string): string =>
  queue === "workflows" ? WORKFLOW_QUEUE : activityQueue(queue);
