// The process tree of `ratchet dev`: this process supervises a file-backed Temporal dev server and a worker, restarts either when it
// ends, and takes both with it when it goes, however it goes. All state is in one folder, so the next start goes on where this one ended.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RatchetError } from "../errors/index.ts";
import { processStart, tryLock, waitForLock } from "../host/lock.mjs";
import { provideTemporal } from "../host/temporal.mjs";
import { Child, logTail } from "./child.ts";
import { databaseServed, prepareDatabase } from "./database.ts";
import { readDevJson, writeDevJson } from "./dev-json.ts";
import type { DevJson } from "./dev-json.ts";
import { ParentWatch } from "./parent-watch.ts";
import { freePort, isPortFree } from "./ports.ts";
import {
  NAMESPACE,
  registerSearchAttributes,
  serverArguments,
  waitUntilServing,
  withoutTemporalSettings,
} from "./temporal-server.ts";
import type { ServerPorts } from "./temporal-server.ts";

const DEFAULT_PORT = 7233;
const UI_OFFSET = 1000;
/** Each; a loaded machine may take long, one that hangs is tried again. */
const START_TIMEOUT_MS = 90_000;
const START_TRIES = 3;
/** A worker saves what its activities do within its own grace (RATCHET_GRACE_MS, 20 s); this is for one that hangs. */
const WORKER_GRACE_MS = 60_000;
const SERVER_GRACE_MS = 10_000;
const LOG_BYTES_MAX = 10e6;

export interface DevTreeOptions {
  /** The folder `.ratchet`; made where missing. */
  stateDir: string;
  /** `dir:/path` or `s3://bucket/prefix`. */
  store: string;
  /** Asked for by the user: taken ones are an error; 0 is any. Without, 7233 and 8233 where free, else any. */
  ports?: { grpc?: number; ui?: number };
  ui: boolean;
  /** Lines about set-up, restarts and changed versions; stderr by default. */
  report?: (line: string) => void;
  /** Path of the Temporal CLI; found or built by default. */
  temporal?: string;
  /** Script of the worker process. */
  worker?: string;
  env?: NodeJS.ProcessEnv;
}

export interface DevTree {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly serverId: string;
  /** Of the children that run now. */
  pids(): { server: number | undefined; worker: number | undefined };
  /** The worker saves what it does and ends, then the server ends. */
  drain(): Promise<void>;
  /** Ends both at once; cuts a drain short. */
  stop(): Promise<void>;
}

export async function startDevTree(options: DevTreeOptions): Promise<DevTree> {
  const stateDir = resolve(options.stateDir);
  const report = options.report ?? ((line) => process.stderr.write(`${line}\n`));
  const lock = lockFolder(stateDir);
  const parentWatch = await newLeash(stateDir);
  const children: Child[] = [];
  try {
    const temporal = options.temporal ?? (await foundTemporal(report));
    const version = await versionOf(temporal);
    const server = await startServer({ temporal, version, options, stateDir, parentWatch, report });
    children.push(server.child);
    await registerSearchAttributes(server.address, START_TIMEOUT_MS);

    const json: DevJson = {
      address: server.address,
      namespace: NAMESPACE,
      store: options.store,
      uiUrl: server.uiUrl,
      serverId: server.serverId,
      pid: process.pid,
      processStart: processStart(process.pid),
    };
    const worker = startWorker(json, { options, stateDir, parentWatch, report });
    children.unshift(worker);
    writeDevJson(stateDir, json);
    return supervised({ json, stateDir, server: server.child, worker, parentWatch, release: lock.release });
  } catch (error) {
    await Promise.all(children.map((child) => child.stop(0)));
    parentWatch.close();
    lock.release();
    throw error;
  }
}

/** As set-up does, it says which one was taken. */
async function foundTemporal(report: (line: string) => void): Promise<string> {
  const { path, from } = await provideTemporal({ say: report });
  report(`Temporal CLI: ${path} (from ${from})`);
  return path;
}

function lockFolder(stateDir: string): { release: () => void } {
  const taken = tryLock(join(stateDir, "dev.lock"));
  if ("lock" in taken) return taken.lock;
  const other = readDevJson(stateDir);
  const where = other?.alive ? ` on ${other.address}${other.uiUrl ? `, web UI ${other.uiUrl}` : ""}` : "";
  throw new RatchetError(
    "dev_already_running",
    `a tree runs in ${stateDir} already (pid ${taken.heldBy?.pid ?? "unknown"})${where}`,
    {
      hint: "use that one: every command finds it by itself; or stop it first, or work in another folder",
    },
  );
}

/** The children of a supervisor that was killed a moment ago may still have the database open: their parent watch's lock says so. */
async function newLeash(stateDir: string): Promise<ParentWatch> {
  const path = join(stateDir, "parentWatch.lock");
  (await waitForLock(path)).release();
  return new ParentWatch(path);
}

interface Surroundings {
  options: DevTreeOptions;
  stateDir: string;
  parentWatch: ParentWatch;
  report: (line: string) => void;
}

interface StartedServer {
  child: Child;
  address: string;
  uiUrl: string | null;
  serverId: string;
}

/**
 * A port found free may be taken a moment later by somebody else, perhaps by another tree's server, which would answer in place of ours; the
 * server chooses further ones for its own services and can lose them in the same way. So a start that fails is tried again.
 */
async function startServer(
  start: Surroundings & { temporal: string; version: string },
): Promise<StartedServer> {
  const { options, stateDir, parentWatch, report, temporal, version } = start;
  const logFile = freshLog(stateDir, "temporal.log");
  for (let triesLeft = START_TRIES; ;) {
    const database = prepareDatabase(stateDir, version, report);
    const mark = `ratchet-${database.serverId}`;
    const ports = await choosePorts(options);
    const address = `127.0.0.1:${ports.grpc}`;
    const env = withoutTemporalSettings(options.env ?? process.env);
    const child = new Child({
      title: "Temporal server",
      command: temporal,
      args: serverArguments(database.path, ports, mark),
      env,
      logFile,
      parentWatch,
      report,
    });
    if (await waitUntilServing(address, START_TIMEOUT_MS, () => child.exits > 0, [NAMESPACE, mark])) {
      databaseServed(stateDir);
      return {
        child,
        address,
        uiUrl: ports.ui === undefined ? null : `http://127.0.0.1:${ports.ui}`,
        serverId: database.serverId,
      };
    }
    const how = child.exits > 0 ? "ended" : `gave no answer within ${START_TIMEOUT_MS / 1000} s`;
    await child.stop(SERVER_GRACE_MS);
    const said = `the Temporal server on ${address} ${how}: ${logTail(logFile, 3) || "it printed nothing"}`;
    if (--triesLeft === 0) throw new RatchetError("temporal_start_failed", said, { hint: `see ${logFile}` });
    report(`${said}; trying again`);
  }
}

async function choosePorts({ ports = {}, ui }: DevTreeOptions): Promise<ServerPorts> {
  for (const port of [ports.grpc, ui ? ports.ui : undefined]) {
    if (port === undefined || (await isPortFree(port))) continue;
    throw new RatchetError("port_taken", `port ${port} is taken`, {
      hint: "stop what listens there, name another port, or name none and a free one is chosen",
    });
  }
  const grpc = ports.grpc || (await freePort(ports.grpc ?? DEFAULT_PORT));
  return ui ? { grpc, ui: ports.ui ?? (await freePort(grpc + UI_OFFSET)) } : { grpc };
}

function startWorker(json: DevJson, { options, stateDir, parentWatch, report }: Surroundings): Child {
  const script = options.worker ?? fileURLToPath(new URL("../worker/main.js", import.meta.url));
  return new Child({
    title: "worker",
    command: process.execPath,
    args: [script],
    env: {
      ...withoutTemporalSettings(options.env ?? process.env),
      TEMPORAL_CONFIG_FILE: writeProfile(stateDir, json),
      RATCHET_STORE: json.store,
      RATCHET_SERVER_ID: json.serverId,
      RATCHET_STATE: stateDir,
    },
    logFile: freshLog(stateDir, "worker.log"),
    parentWatch,
    report,
  });
}

/** A client profile of the tree's own, so that nobody's default profile reaches its worker. */
function writeProfile(stateDir: string, { address, namespace }: DevJson): string {
  const path = join(stateDir, "temporal.toml");
  writeFileSync(
    path,
    `[profile.default]\naddress = ${JSON.stringify(address)}\nnamespace = ${JSON.stringify(namespace)}\n`,
  );
  return path;
}

interface Supervised {
  json: DevJson;
  stateDir: string;
  server: Child;
  worker: Child;
  parentWatch: ParentWatch;
  release: () => void;
}

function supervised({ json, stateDir, server, worker, parentWatch, release }: Supervised): DevTree {
  let ended = false;
  /** The worker first: it reports to the server what it saved. */
  const end = async (workerGraceMs: number, serverGraceMs: number) => {
    await worker.stop(workerGraceMs);
    await server.stop(serverGraceMs);
    if (ended) return;
    ended = true;
    parentWatch.close();
    writeDevJson(stateDir, { ...json, pid: null, processStart: null });
    release();
  };
  return {
    address: json.address,
    namespace: json.namespace,
    uiUrl: json.uiUrl,
    serverId: json.serverId,
    pids: () => ({ server: server.pid, worker: worker.pid }),
    drain: () => end(WORKER_GRACE_MS, SERVER_GRACE_MS),
    stop: () => end(0, 0),
  };
}

/** Logs are appended to over restarts; one that has grown large is moved aside once. */
function freshLog(stateDir: string, name: string): string {
  const dir = join(stateDir, "logs");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, name);
  if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  return path;
}

async function versionOf(temporal: string): Promise<string> {
  const { stdout } = await promisify(execFile)(temporal, ["--version"], { timeout: START_TIMEOUT_MS });
  return stdout.trim();
}
