// Runs the Temporal workers of one process, one per queue: workflows, control activities, stage activities.
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { WorkerOptions } from "@temporalio/worker";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { createControlActivities, createStageActivities } from "../activities/index.ts";
import { Attempts } from "./attempts.ts";
import { deploymentOptions, otherBuilds, workerIdentity } from "./build.ts";
import { openDeps } from "./deps.ts";
import type { OpenDeps } from "./deps.ts";
import type { WorkerSettings } from "./env.ts";
import { attemptsDir } from "./env.ts";
import { existingStore } from "./existing-store.ts";
import { log } from "./log.ts";
import { taskQueueOf } from "./queues.ts";

export { workerJsonSchema } from "./config.ts";

const BUNDLE = fileURLToPath(new URL("../workflow-bundle.js", import.meta.url));

export interface RunningWorker {
  /** Resolves when all queues have drained; rejects if one failed. */
  done: Promise<void>;
  /** Activities save their work and fail their attempts, without a retry delay; then the queues close. */
  drain(): void;
}

export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { connectionOptions, namespace = "default" } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const draining = new AbortController();
  const attempts = new Attempts(attemptsDir(settings));
  // In parallel, because the campaign of a killed worker waits for this start.
  const [orphans, others, { deps, close }] = await Promise.all([
    attempts.failOrphans(connection),
    otherBuilds(connection, namespace, settings.queues),
    openOnStore(settings, connection, namespace, draining.signal),
  ]);
  if (orphans.length > 0) log(`failed a killed worker's attempts: ${orphans.join(", ")}`);
  for (const other of others) log(other);

  const common = {
    ...commonOptions(settings),
    connection,
    namespace,
    interceptors: { activity: [attempts.interceptor] },
  };
  const workers = await Promise.all(
    settings.queues.map((queue) => Worker.create({ ...common, ...queueOptions(queue, settings, deps) })),
  );

  const run = async (): Promise<void> => {
    try {
      await Promise.all(workers.map((worker) => worker.run()));
    } finally {
      await close();
      await connection.close();
    }
  };
  return {
    done: run(),
    drain() {
      draining.abort(new Error("the worker is draining"));
      for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
    },
  };
}

async function openOnStore(
  settings: WorkerSettings,
  ...rest: [connection: NativeConnection, namespace: string, draining: AbortSignal]
): Promise<OpenDeps> {
  return openDeps(settings, await existingStore(settings.store), ...rest);
}

const commonOptions = ({ graceMs, deployment }: WorkerSettings): Partial<WorkerOptions> => ({
  shutdownGraceTime: graceMs,
  shutdownForceTime: graceMs + 10_000,
  maxHeartbeatThrottleInterval: "1s",
  identity: workerIdentity(),
  ...deploymentOptions(deployment),
});

function queueOptions(
  queue: string,
  settings: WorkerSettings,
  deps: Parameters<typeof createStageActivities>[0],
): Partial<WorkerOptions> & { taskQueue: string } {
  const taskQueue = taskQueueOf(queue);
  switch (queue) {
    case "workflows":
      // A workflow task waits this long for the worker that has the workflow in its cache, then any worker
      // may take it.
      return { taskQueue, workflowBundle: { codePath: BUNDLE }, stickyQueueScheduleToStartTimeout: "3s" };
    case "control":
      return { taskQueue, activities: { ...createControlActivities(deps) } };
    default:
      // One shard per engine child, and one more that is committed or assigned while the children compute.
      // Trainings have a child of their own but take the same slots: a second training waits in this process
      // for the first.
      return {
        taskQueue,
        activities: { ...createStageActivities(deps) },
        maxConcurrentActivityTaskExecutions: settings.children + 1,
      };
  }
}
