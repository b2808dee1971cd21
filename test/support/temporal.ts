// The real Temporal server of the test driver (RATCHET_TEST_TEMPORAL), with one namespace per test file:
// names of task queues are fixed, so workers of two files in one namespace would take each other's tasks.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";

export const TEMPORAL_ADDRESS = process.env["RATCHET_TEST_TEMPORAL"];
/** For `{ skip }`: the reason why a test cannot run, or false. */
export const NO_TEMPORAL = TEMPORAL_ADDRESS
  ? false
  : "RATCHET_TEST_TEMPORAL is not set: run through `npm test`";

export interface TestNamespace {
  address: string;
  namespace: string;
  connection: Connection;
  client: Client;
  close(): Promise<void>;
}

export async function openNamespace(): Promise<TestNamespace> {
  const address = TEMPORAL_ADDRESS as string;
  const connection = await Connection.connect({ address });
  const namespace = `test-${randomBytes(5).toString("hex")}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
  });
  await untilVisible(connection, namespace);
  return {
    address,
    namespace,
    connection,
    client: new Client({ connection, namespace }),
    close: () => connection.close(),
  };
}

type Long = NonNullable<
  Parameters<Connection["workflowService"]["registerNamespace"]>[0]["workflowExecutionRetentionPeriod"]
>["seconds"] &
  object;

/** Waits until the frontend, which caches namespaces for seconds, knows the new one. */
async function untilVisible(connection: Connection, namespace: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      await connection.workflowService.listOpenWorkflowExecutions({ namespace, maximumPageSize: 1 });
      return;
    } catch {
      await delay(100);
    }
  }
  throw new Error(`namespace ${namespace} did not become visible within 20 s`);
}
