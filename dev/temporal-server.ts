// Temporal's dev server: its arguments, waiting until it serves, and registering our search attributes.
import { Connection } from "@temporalio/client";
import { setTimeout as sleep } from "node:timers/promises";
import { addMissingSearchAttributes } from "../temporal/search-attributes.ts";

export const NAMESPACE = "default";

export interface ServerPorts {
  grpc: number;
  /** Absent: no web UI. */
  ui?: number;
}

/**
 * A write-ahead log needs one sync per transaction, SQLite's default journal four. No power failure loses a
 * transaction.
 */
const JOURNAL = ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"];

/**
 * The server's HTTP interface, which nothing here uses, answers no request: a page in a browser could send
 * some to it, under its own name as host. No page has a name that ends in `.invalid` (RFC 2606).
 */
const NO_HTTP = ["--dynamic-config-value", 'frontend.httpAllowedHosts=["none.invalid"]'];

/** `mark`: a namespace that no other server has; it shows which server answers on a port. */
export function serverArguments(database: string, ports: ServerPorts, mark: string): string[] {
  const ui =
    ports.ui === undefined ? ["--headless"] : ["--ui-port", String(ports.ui), "--ui-disable-news-fetch"];
  return [
    "server",
    "start-dev",
    "--ip",
    "127.0.0.1",
    "--port",
    String(ports.grpc),
    "--db-filename",
    database,
    "--namespace",
    mark,
    "--log-level",
    "warn",
    ...JOURNAL,
    ...NO_HTTP,
    ...ui,
  ];
}

/** Without the TEMPORAL_* variables of the user, which may name another server. */
export function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("TEMPORAL_")));
}

/** A loaded machine may take long to start a server; a start that takes longer is retried. */
export const SERVER_START_MS = 90_000;
/** On a loaded machine a server may need seconds for one answer. */
const CALL_MS = 5000;

/** Calls the server until it knows the namespaces. False when `giveUp` returns true or the time is over. */
export async function waitUntilServing(
  address: string,
  timeoutMs: number,
  giveUp: () => boolean = () => false,
  namespaces: readonly string[] = [NAMESPACE],
): Promise<boolean> {
  const channelArgs = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 500 };
  const connection = Connection.lazy({ address, channelArgs });
  try {
    for (const deadline = Date.now() + timeoutMs; Date.now() < deadline && !giveUp(); await sleep(100)) {
      try {
        for (const namespace of namespaces)
          await connection.withDeadline(Date.now() + CALL_MS, () =>
            connection.workflowService.describeNamespace({ namespace }),
          );
        return true;
      } catch {
        // not yet: the connection is refused, or the namespace does not exist yet
      }
    }
    return false;
  } finally {
    await connection.close();
  }
}

/**
 * Registers at every start, because the server reads its own flag for it only when it creates a database. A
 * server that has just started may refuse the first calls.
 */
export async function registerSearchAttributes(address: string, timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(500)) {
    try {
      return await addMissing(address);
    } catch (error) {
      if (Date.now() >= deadline) throw error;
    }
  }
}

async function addMissing(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await addMissingSearchAttributes(connection, NAMESPACE);
  } finally {
    await connection.close();
  }
}
