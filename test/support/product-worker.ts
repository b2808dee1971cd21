// The product's activities in workers of this process, for tests that replace the store or the runtimes of an
// activity.
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { NativeConnection } from "@temporalio/worker";
import type { ActivityInterceptorsFactory } from "@temporalio/worker";
import { createControlActivities, createStageActivities } from "../../activities/index.ts";
import type { Deps } from "../../activities/deps.ts";
import { stageOf } from "../chaos/layers/activities.ts";
import { openStore } from "../../store/index.ts";
import { openDeps } from "../../worker/deps.ts";
import { workerSettings } from "../../worker/env.ts";
import { runWorkers } from "./campaign-worker.ts";
import type { TestNamespace } from "./temporal.ts";

export interface ProductWorker {
  /** Replaces the dependencies of all activities. */
  deps(real: Deps): Promise<Deps> | Deps;
  /** Replaces them once more for control activities: seal, open, append. */
  control?(deps: Deps): Deps;
  /** Called for each failed attempt. */
  onFailure(activity: string, code: string | null | undefined): void;
  /** Called before each attempt. `stage`: the activity `train` serves three stages. */
  onBegin(activity: string, stage: string): void;
  /** Before a failed attempt is retried; default 1 ms. */
  retryMs?: number;
}

const running = new AsyncLocalStorage<string>();

/** The stage that the current code runs for; undefined outside activities. */
export const currentStage = (): string | undefined => running.getStore();

/** Failed attempts are retried at once, so that an outage of many attempts is short. */
export async function withProductWorker<T>(
  temporal: TestNamespace,
  storeName: string,
  { deps: replace, control = (given) => given, onFailure, onBegin, retryMs = 1 }: ProductWorker,
  test: () => Promise<T>,
): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), "ratchet-worker-"));
  const connection = await NativeConnection.connect({ address: temporal.address });
  const settings = workerSettings({
    RATCHET_STORE: storeName,
    RATCHET_STATE: state,
    RATCHET_SERVER_ID: "test",
    RATCHET_CHILDREN: "1",
    RATCHET_THREADS: "1",
  });
  const { deps, close } = await openDeps(
    settings,
    await openStore(storeName),
    connection,
    temporal.namespace,
    new AbortController().signal,
  );
  const replaced = await replace(deps);
  const atOnce: ActivityInterceptorsFactory = ({ info }) => ({
    inbound: {
      execute(input, next) {
        const stage = stageOf(info.activityType, input.args[0]);
        onBegin(info.activityType, stage);
        return running
          .run(stage, () => next(input))
          .catch((error: unknown) => {
            if (!(error instanceof ApplicationFailure)) throw error;
            onFailure(info.activityType, error.type);
            throw ApplicationFailure.create({
              message: error.message,
              type: error.type ?? "",
              nonRetryable: error.nonRetryable === true,
              nextRetryDelay: retryMs,
            });
          });
      },
    },
  });
  const stop = await runWorkers(
    {
      connection,
      namespace: temporal.namespace,
      maxHeartbeatThrottleInterval: "100ms",
      interceptors: { activity: [atOnce] },
    },
    { control: createControlActivities(control(replaced)), stages: createStageActivities(replaced) },
  );
  try {
    return await test();
  } finally {
    await stop();
    await close();
    await connection.close();
    await rm(state, { recursive: true, force: true });
  }
}
