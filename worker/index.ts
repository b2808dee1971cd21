// Runs the workers of one process: workflows, control activities and stage activities, each with a queue and slots of its own.
import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { WorkerOptions } from "@temporalio/worker";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { createControlActivities, createStageActivities } from "../activities/index.ts";
import { activityQueue, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import { Attempts } from "./attempts.ts";
import { deploymentOptions, otherBuilds, workerIdentity } from "./build.ts";
import { openDeps } from "./deps.ts";
import type { WorkerSettings } from "./env.ts";
import { attemptsDir } from "./env.ts";

const BUNDLE = fileURLToPath(new URL("../workflow-bundle.js", import.meta.url));

export interface RunningWorker {
  /** Resolves when all queues have drained; rejects when one of them failed. */
  done: Promise<void>;
  /** Activities save what they do and fail their attempt with no delay; then the queues close. */
  drain(): void;
}

export async function startWorker(settings: WorkerSettings): Promise<RunningWorker> {
  const { connectionOptions, namespace = "default" } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const draining = new AbortController();
  const attempts = new Attempts(attemptsDir(settings));
  // All at once: a killed worker's campaign waits for this.
  const [freed, others, { deps, close }] = await Promise.all([
    attempts.free(connection),
    otherBuilds(connection, namespace, settings.queues),
    openDeps(settings, connection, namespace, draining.signal),
  ]);
  if (freed.length > 0) process.stderr.write(`freed what a killed worker had left: ${freed.join(", ")}\n`);
  for (const other of others) process.stderr.write(`${other}\n`);

  const common = {
    connection,
    namespace,
    shutdownGraceTime: settings.graceMs,
    shutdownForceTime: settings.graceMs + 10_000,
    maxHeartbeatThrottleInterval: "1s",
    interceptors: { activity: [attempts.interceptor] },
    identity: workerIdentity(),
    ...deploymentOptions(settings.deployment),
  } satisfies Partial<WorkerOptions>;
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

function queueOptions(
  queue: string,
  settings: WorkerSettings,
  deps: Parameters<typeof createStageActivities>[0],
): Partial<WorkerOptions> & { taskQueue: string } {
  switch (queue) {
    case "workflows":
      // The tasks of a killed worker's cached workflows wait on its own queue for this long before another may take them.
      return {
        taskQueue: WORKFLOW_QUEUE,
        workflowBundle: { codePath: BUNDLE },
        stickyQueueScheduleToStartTimeout: "3s",
      };
    case "control":
      return { taskQueue: activityQueue(queue), activities: { ...createControlActivities(deps) } };
    default:
      // One shard per engine child, and one that is committed or handed out while the children compute. Trainings, which have a child of their
      // own, take the same slots: a second one waits in here for the first.
      return {
        taskQueue: activityQueue(queue),
        activities: { ...createStageActivities(deps) },
        maxConcurrentActivityTaskExecutions: settings.children + 1,
      };
  }
}
