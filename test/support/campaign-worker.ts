// Workers of the real workflows in this process, for all queues, with scripted or other activities. They stop
// when the test's function returns.
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { WorkflowHandle } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import type { WorkerOptions } from "@temporalio/worker";
import type { ControlActivities, StageActivities } from "../../activities/contract.ts";
import { activityQueue, campaignWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import type { CampaignInput } from "../../campaign/types.ts";
import type { CampaignOutcome } from "../../workflows/messages.ts";
import type { Script } from "./scripted-activities.ts";
import { scriptedActivities } from "./scripted-activities.ts";
import type { TestNamespace } from "./temporal.ts";

export const BUNDLE = fileURLToPath(new URL("../../workflow-bundle.js", import.meta.url));

type Campaign = (input: CampaignInput) => Promise<CampaignOutcome>;
export type CampaignHandle = WorkflowHandle<Campaign>;

/** With scripted activities. */
export async function withCampaignWorker<T>(
  temporal: TestNamespace,
  play: Script,
  test: (start: (id?: string) => Promise<CampaignHandle>) => Promise<T>,
): Promise<T> {
  return withActivities(temporal, scriptedActivities(play), (start) =>
    test((id = `c-${randomBytes(4).toString("hex")}`) =>
      start({ campaignId: id, specDigest: "spec", storeName: "memory:" }),
    ),
  );
}

export async function withActivities<T>(
  temporal: TestNamespace,
  { control, stages }: { control: ControlActivities; stages: StageActivities },
  test: (start: (input: CampaignInput) => Promise<CampaignHandle>) => Promise<T>,
): Promise<T> {
  const connection = await NativeConnection.connect({ address: temporal.address });
  const { namespace } = temporal;
  const stop = await runWorkers(
    { connection, namespace, maxHeartbeatThrottleInterval: "100ms" },
    { control, stages },
  );
  const start = (input: CampaignInput): Promise<CampaignHandle> =>
    temporal.client.workflow.start<Campaign>("campaign", {
      workflowId: campaignWorkflowId(input.campaignId),
      taskQueue: WORKFLOW_QUEUE,
      args: [input],
    });
  try {
    return await test(start);
  } finally {
    await stop();
    await connection.close();
  }
}

/** Runs a worker for each queue; the returned function stops them. */
export async function runWorkers(
  common: Omit<WorkerOptions, "taskQueue">,
  { control, stages }: { control: ControlActivities; stages: StageActivities },
): Promise<() => Promise<void>> {
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: WORKFLOW_QUEUE, workflowBundle: { codePath: BUNDLE } }),
    Worker.create({ ...common, taskQueue: activityQueue("control"), activities: { ...control } }),
    Worker.create({ ...common, taskQueue: activityQueue("cpu"), activities: { ...stages } }),
  ]);
  const running = workers.map((worker) => worker.run());
  return async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  };
}
