// The two children of `ratchet dev`: starting a Temporal server that serves, and a worker.
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../errors/index.ts";
import { NO_DEBUGGER } from "../host/no-debugger.mjs";
import { Child, logTail } from "./child.ts";
import { databaseServed, prepareDatabase } from "./database.ts";
import type { DevJson } from "./dev-json.ts";
import type { ParentWatch } from "./parent-watch.ts";
import { freePort, isPortFree } from "./ports.ts";
import {
  NAMESPACE,
  SERVER_START_MS,
  serverArguments,
  waitUntilServing,
  withoutTemporalSettings,
} from "./temporal-server.ts";
import type { ServerPorts } from "./temporal-server.ts";

const DEFAULT_PORT = 7233;
const UI_OFFSET = 1000;
const START_TRIES = 3;
const STOP_MS = 10_000;
const LOG_BYTES_MAX = 10e6;

/** What both children need. */
export interface ChildSettings {
  stateDir: string;
  env: NodeJS.ProcessEnv;
  parentWatch: ParentWatch;
  report: (line: string) => void;
  /** Called with each child as soon as it is started. */
  onChild: (child: Child) => void;
  /** Aborts the start. */
  signal?: AbortSignal | undefined;
}

export interface ServerSettings extends ChildSettings {
  /** Path of the Temporal CLI, and its `--version` output. */
  temporal: string;
  version: string;
  /** As in DevTreeOptions. */
  ports: { grpc?: number; ui?: number };
  ui: boolean;
}

export interface StartedServer {
  child: Child;
  address: string;
  uiUrl: string | null;
  serverId: string;
}

/**
 * Retries a failed start, because another process may take a free port before the server does. If that
 * process is another tree's server, it answers in place of ours; the namespace `mark` tells them apart. The
 * server also picks ports of its own.
 */
export async function startServer(settings: ServerSettings): Promise<StartedServer> {
  const { stateDir, env, parentWatch, report, onChild, signal, temporal, version } = settings;
  const logFile = openLog(stateDir, "temporal.log");
  for (let triesLeft = START_TRIES; ;) {
    const database = prepareDatabase(stateDir, version, report);
    const mark = `ratchet-${database.serverId}`;
    const ports = await choosePorts(settings);
    const address = `127.0.0.1:${ports.grpc}`;
    const child = new Child({
      title: "Temporal server",
      command: temporal,
      args: serverArguments(database.path, ports, mark),
      env: withoutTemporalSettings(env),
      logFile,
      parentWatch,
      report,
    });
    onChild(child);
    const giveUp = (): boolean => child.exits > 0 || signal?.aborted === true;
    if (await waitUntilServing(address, SERVER_START_MS, giveUp, [NAMESPACE, mark])) {
      databaseServed(stateDir);
      const uiUrl = ports.ui === undefined ? null : `http://127.0.0.1:${ports.ui}`;
      return { child, address, uiUrl, serverId: database.serverId };
    }
    signal?.throwIfAborted();
    const how = child.exits > 0 ? "ended" : `gave no answer within ${SERVER_START_MS / 1000} s`;
    await child.stop(STOP_MS);
    const printed = logTail(logFile, 3) || "it printed nothing";
    const failure = `the Temporal server on ${address} ${how}: ${printed}`;
    if (--triesLeft === 0)
      throw new RatchetError("temporal_start_failed", failure, { hint: `see ${logFile}` });
    report(`${failure}; trying again`);
  }
}

async function choosePorts({ ports, ui }: ServerSettings): Promise<ServerPorts> {
  for (const port of [ports.grpc, ui ? ports.ui : undefined]) {
    if (port === undefined || (await isPortFree(port))) continue;
    throw new RatchetError("port_taken", `port ${port} is taken`, {
      hint: "stop what listens there, name another port, or name none and a free one is chosen",
    });
  }
  const grpc = ports.grpc || (await freePort(ports.grpc ?? DEFAULT_PORT));
  return ui ? { grpc, ui: ports.ui ?? (await freePort(grpc + UI_OFFSET)) } : { grpc };
}

export function startWorker(
  { stateDir, env, parentWatch, report, onChild }: ChildSettings,
  json: DevJson,
  script = fileURLToPath(new URL("../worker/main.js", import.meta.url)),
): Child {
  const child = new Child({
    title: "worker",
    command: process.execPath,
    args: [...NO_DEBUGGER, script],
    env: {
      ...withoutTemporalSettings(env),
      TEMPORAL_CONFIG_FILE: writeProfile(stateDir, json),
      RATCHET_STORE: json.store,
      RATCHET_SERVER_ID: json.serverId,
      RATCHET_STATE: stateDir,
    },
    logFile: openLog(stateDir, "worker.log"),
    parentWatch,
    report,
  });
  onChild(child);
  return child;
}

/** The worker gets a client profile of its own; the user's default profile may name another server. */
function writeProfile(stateDir: string, { address, namespace }: DevJson): string {
  const path = join(stateDir, "temporal.toml");
  writeFileSync(
    path,
    `[profile.default]\naddress = ${JSON.stringify(address)}\nnamespace = ${JSON.stringify(namespace)}\n`,
  );
  return path;
}

/** Restarts append to the log. A large log is renamed to `*.1` first. */
function openLog(stateDir: string, name: string): string {
  const dir = join(stateDir, "logs");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, name);
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return path;
}
