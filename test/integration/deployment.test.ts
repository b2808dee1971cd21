// Worker deployments on a real server: an iteration stays on the build that began it, the next one runs on
// the current build.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { NativeConnection } from "@temporalio/worker";
import { campaignWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import { deploymentOptions } from "../../worker/build.ts";
import { runWorkers } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, script, scriptedActivities } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

const DEPLOYMENT = "ratchet-test";

async function startBuild(
  temporal: TestNamespace,
  connection: NativeConnection,
  buildId: string,
  play: Script,
): Promise<() => Promise<void>> {
  const stop = await runWorkers(
    { connection, namespace: temporal.namespace, ...deploymentOptions(DEPLOYMENT, buildId) },
    scriptedActivities(play),
  );
  await makeCurrent(temporal, buildId);
  return stop;
}

/** Retried, because the server refuses until workers of the build poll all queues. */
async function makeCurrent({ connection, namespace }: TestNamespace, buildId: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await connection.workflowService.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: DEPLOYMENT,
        buildId,
        identity: "test",
      });
      return;
    } catch (error) {
      if (tries > 300) throw error;
      await delay(100);
    }
  }
}

it(
  "an iteration stays on its build when another becomes current, and the next one runs on the new build",
  { skip: NO_TEMPORAL, timeout: STUCK_MS },
  async () => {
    const temporal = await openNamespace();
    const connection = await NativeConnection.connect({ address: temporal.address });
    const play = script({ iterations: 2, baselines: [] });
    const by: Record<string, Set<string>> = {};
    const training = gate();
    /** The script of one build's activities, for the same campaign. */
    const as = (build: string): Script => ({
      ...play,
      async before(stage, place) {
        (by[place] ??= new Set()).add(build);
        if (stage === "train" && place === "it-0001.1") await training.wait();
      },
    });
    const stops = [await startBuild(temporal, connection, "one", as("one"))];
    try {
      const handle = await temporal.client.workflow.start("campaign", {
        workflowId: campaignWorkflowId("c"),
        taskQueue: WORKFLOW_QUEUE,
        args: [{ campaignId: "c", specDigest: "spec", storeName: "memory:" }],
      });
      await training.reached;
      stops.push(await startBuild(temporal, connection, "two", as("two")));
      training.open();
      await handle.result();
      assert.deepEqual(by, {
        "it-0000.1": new Set(["one"]),
        "it-0001.1": new Set(["one"]),
        "it-0002.1": new Set(["two"]),
      });
    } finally {
      for (const stop of stops) await stop();
      await connection.close();
      await temporal.close();
    }
  },
);
