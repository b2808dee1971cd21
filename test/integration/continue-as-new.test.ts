// A campaign longer than one run's history: the real workflow on a real server whose limit is low goes on as new between iterations, and
// each run opens the ledger like any other.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, it } from "node:test";
import { Client, Connection } from "@temporalio/client";
import { freePort } from "../../dev/ports.ts";
import { waitUntilServing } from "../../dev/temporal-server.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { script } from "../support/scripted-activities.ts";

const ITERATIONS = 8;
/** About two iterations' worth. */
const EVENTS_MAX = 40;
const running: (() => void)[] = [];
after(() => running.forEach((stop) => stop()));

it("goes on as new between iterations where Temporal suggests it, and finishes each iteration once", { skip: NO_TEMPORAL_BIN, timeout: 180_000 }, async () => {
  const port = await freePort();
  const limit = ["--dynamic-config-value", `limit.historyCount.suggestContinueAsNew=${EVENTS_MAX}`];
  const server = spawn(process.env["RATCHET_TEST_TEMPORAL_BIN"] as string, ["server", "start-dev", "--ip", "127.0.0.1", "--port", String(port), "--headless", "--log-level", "never", ...limit], { stdio: "ignore" });
  running.push(() => server.kill("SIGKILL"));
  const address = `127.0.0.1:${port}`;
  assert.ok(await waitUntilServing(address, 60_000));
  const connection = await Connection.connect({ address });
  running.push(() => void connection.close());
  const temporal = { address, namespace: "default", connection, client: new Client({ connection }), close: async () => undefined };

  const play = script({ iterations: ITERATIONS, baselines: [] });
  await withCampaignWorker(temporal, play, async (start) => {
    const handle = await start();
    const { status } = await handle.result().catch((error: Error) => assert.fail(String((error.cause as Error)?.message)));
    assert.equal(status, "completed");
  });
  const of = (type: string): number => play.rows.filter(({ event }) => event.type === type).length;
  assert.ok(of("opened") > 1, `${of("opened")} runs`);
  assert.equal(of("iteration-finished"), ITERATIONS);
  assert.equal(of("completed"), 1);
  const { executions } = await connection.workflowService.listWorkflowExecutions({ namespace: "default", query: "WorkflowType = 'campaign'" });
  const events = (executions ?? []).map(({ historyLength }) => Number(historyLength));
  assert.ok(events.length > 0 && Math.max(...events) < 3 * EVENTS_MAX, `no run's history grows beyond what an iteration adds: ${events.join(", ")}`);
});
