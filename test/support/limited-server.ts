// A Temporal server that suggests continue-as-new after few events, so that a small campaign behaves like a
// long one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { Client, Connection } from "@temporalio/client";
import { freePort } from "../../dev/ports.ts";
import { waitUntilServing } from "../../dev/temporal-server.ts";
import type { TestNamespace } from "./temporal.ts";

export async function startLimitedServer(eventsMax: number): Promise<TestNamespace> {
  const port = await freePort();
  const limits = [
    `limit.historyCount.suggestContinueAsNew=${eventsMax}`,
    // As infra/test-servers.mjs.
    'history.timerProcessorMaxTimeShift="20ms"',
  ].flatMap((value) => ["--dynamic-config-value", value]);
  const server = spawn(
    process.env["RATCHET_TEST_TEMPORAL_BIN"] as string,
    [
      "server",
      "start-dev",
      "--ip",
      "127.0.0.1",
      "--port",
      String(port),
      "--headless",
      "--log-level",
      "never",
      ...limits,
    ],
    { stdio: "ignore" },
  );
  const address = `127.0.0.1:${port}`;
  assert.ok(await waitUntilServing(address, 60_000));
  const connection = await Connection.connect({ address });
  const close = async (): Promise<void> => {
    await connection.close();
    server.kill("SIGKILL");
  };
  return { address, namespace: "default", connection, client: new Client({ connection }), close };
}
