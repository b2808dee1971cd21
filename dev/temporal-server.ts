// Temporal's dev server as a child: its arguments, when it is ready, and what has to be registered in it.
import { Connection } from "@temporalio/client";
import { setTimeout as sleep } from "node:timers/promises";
import { addMissingSearchAttributes } from "../temporal/search-attributes.ts";

export const NAMESPACE = "default";

export interface ServerPorts {
  grpc: number;
  /** Absent: no web UI. */
  ui?: number;
}

/** A write-ahead log costs one sync a transaction, SQLite's own way four; every transaction is synced all the same, so no power failure takes one. */
const JOURNAL = ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=full"];

/** `mark`: a namespace that no other server has, so that it can be told who answers on a port. */
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
    ...ui,
  ];
}

/** A server of ours has nothing to do with the servers that the user's environment and profiles talk of. */
export function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("TEMPORAL_")));
}

/** A server on a machine that has other things to do may take seconds for an answer. */
const CALL_MS = 5000;

/** Polls by real calls until the namespaces answer. False when `giveUp` says so or the time is over. */
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
        // not yet: refused, starting, or the namespace is still being made
      }
    }
    return false;
  } finally {
    await connection.close();
  }
}

/** At every start: the server's own flag for it is read only while a database is created. A server that has just begun may refuse at first. */
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
