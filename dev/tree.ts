// The process tree of `ratchet dev`. This process supervises a Temporal dev server with a database file and a
// worker: it restarts either if it ends, and ends both when it ends itself, even by SIGKILL. All state is in
// one folder, so the next start resumes.
import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { RatchetError, visibleBlock } from "../errors/index.ts";
import { processStart, tryLock, waitForLock } from "../host/lock.mjs";
import { provideTemporal } from "../host/temporal.mjs";
import type { Child } from "./child.ts";
import { startServer, startWorker } from "./children.ts";
import type { StartedServer } from "./children.ts";
import { readDevJson, writeDevJson } from "./dev-json.ts";
import type { DevJson } from "./dev-json.ts";
import { ParentWatch } from "./parent-watch.ts";
import { makePrivate } from "./private-folder.ts";
import { watchStopped } from "./stopped-watch.ts";
import { NAMESPACE, registerSearchAttributes, SERVER_START_MS } from "./temporal-server.ts";

/** Longer than the worker's own grace period (RATCHET_GRACE_MS, 20 s): this one ends a worker that hangs. */
const WORKER_GRACE_MS = 60_000;
const SERVER_GRACE_MS = 10_000;

export interface DevTreeOptions {
  /** The folder `.ratchet`; created if missing. */
  stateDir: string;
  /** `dir:/path` or `s3://bucket/prefix`. */
  store: string;
  /** A named port must be free; 0 is any free port. Default: 7233 and 8233 if free, else any. */
  ports?: { grpc?: number; ui?: number };
  ui: boolean;
  /** Lines about set-up, restarts and changed versions; stderr by default. */
  report?: (line: string) => void;
  /** Path of the Temporal CLI; found or built by default. */
  temporal?: string;
  /** Script of the worker process. */
  worker?: string;
  env?: NodeJS.ProcessEnv;
  /** Aborts the start: what has started is ended, then the start rejects. */
  signal?: AbortSignal;
}

export interface DevTree {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly serverId: string;
  /** Of the children that run now. */
  pids(): { server: number | undefined; worker: number | undefined };
  /**
   * Hides the tree from commands that look for one. If `free` then says false, because another command has
   * come in the meantime, it shows the tree again and returns false.
   */
  retire(free: () => boolean): boolean;
  /** The worker saves its running work and ends, then the server ends. */
  drain(): Promise<void>;
  /** Ends both at once; cuts a drain short. */
  stop(): Promise<void>;
}

export async function startDevTree(options: DevTreeOptions): Promise<DevTree> {
  const stateDir = resolve(options.stateDir);
  const report = options.report ?? ((line) => void process.stderr.write(`${visibleBlock(line)}\n`));
  makePrivate(stateDir);
  // The default store; a store of another name has the mode that its owner gave it.
  if (options.store === `dir:${join(stateDir, "store")}`) makePrivate(join(stateDir, "store"));
  const lock = lockFolder(stateDir);
  const children: Child[] = [];
  let parentWatch: ParentWatch | undefined;
  try {
    const { ports = {}, ui, env = process.env, signal } = options;
    parentWatch = await startParentWatch(stateDir, signal);
    const temporal = options.temporal ?? (await unlessAborted(findTemporal(report), signal));
    const version = await unlessAborted(versionOf(temporal), signal);
    const onChild = (child: Child): void => void children.push(child);
    const settings = { stateDir, env, parentWatch, report, onChild, signal };
    const server = await startServer({ ...settings, temporal, version, ports, ui });
    await unlessAborted(registerSearchAttributes(server.address, SERVER_START_MS), signal);

    const json = devJson(server, options.store);
    const worker = startWorker(settings, json, options.worker);
    writeDevJson(stateDir, json);
    const release = lock.release;
    return supervised({ json, stateDir, server: server.child, worker, parentWatch, release, report });
  } catch (error) {
    await Promise.all(children.map((child) => child.stop(0)));
    parentWatch?.close();
    lock.release();
    throw error;
  }
}

/** Rejects when the signal aborts, without waiting for the work. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}

/** As set-up does, it reports which CLI was found. */
async function findTemporal(report: (line: string) => void): Promise<string> {
  const { path, from } = await provideTemporal({ say: report });
  report(`Temporal CLI: ${path} (from ${from})`);
  return path;
}

async function versionOf(temporal: string): Promise<string> {
  const { stdout } = await promisify(execFile)(temporal, ["--version"], { timeout: SERVER_START_MS });
  return stdout.trim();
}

function lockFolder(stateDir: string): { release: () => void } {
  const taken = tryLock(join(stateDir, "dev.lock"));
  if ("lock" in taken) return taken.lock;
  const other = readDevJson(stateDir);
  const where = other?.alive ? ` on ${other.address}${other.uiUrl ? `, web UI ${other.uiUrl}` : ""}` : "";
  throw new RatchetError(
    "dev_already_running",
    `a tree runs in ${stateDir} already (pid ${taken.heldBy?.pid ?? "unknown"})${where}`,
    { hint: "use that one: every command finds it by itself; or stop it first, or work in another folder" },
  );
}

/**
 * Waits for the parent watch of an earlier tree, which holds its lock until the children are gone. The
 * children of a supervisor killed a moment ago may still have the database open.
 */
async function startParentWatch(stateDir: string, signal: AbortSignal | undefined): Promise<ParentWatch> {
  const path = join(stateDir, "parent-watch.lock");
  (await waitForLock(path, () => signal?.throwIfAborted())).release();
  return new ParentWatch(path);
}

const devJson = ({ address, uiUrl, serverId }: StartedServer, store: string): DevJson => ({
  address,
  namespace: NAMESPACE,
  store,
  uiUrl,
  serverId,
  pid: process.pid,
  processStart: processStart(process.pid),
});

interface Supervised {
  json: DevJson;
  stateDir: string;
  server: Child;
  worker: Child;
  parentWatch: ParentWatch;
  release: () => void;
  report: (line: string) => void;
}

function supervised({ json, stateDir, server, worker, parentWatch, release, report }: Supervised): DevTree {
  let ended = false;
  const hide = (): void => writeDevJson(stateDir, { ...json, pid: null, processStart: null });
  const unwatch = watchStopped([server, worker], report);
  /**
   * The worker ends first, because it reports to the server what it saved. Both also end if dev.json cannot
   * be written, for example on a full disk.
   */
  const end = async (workerGraceMs: number, serverGraceMs: number) => {
    try {
      if (!ended) hide();
    } finally {
      unwatch();
      await worker.stop(workerGraceMs);
      await server.stop(serverGraceMs);
      if (!ended) {
        parentWatch.close();
        release();
      }
      ended = true;
    }
  };
  return {
    address: json.address,
    namespace: json.namespace,
    uiUrl: json.uiUrl,
    serverId: json.serverId,
    pids: () => ({ server: server.pid, worker: worker.pid }),
    retire(free) {
      hide();
      if (free()) return true;
      writeDevJson(stateDir, json);
      return false;
    },
    drain: () => end(WORKER_GRACE_MS, SERVER_GRACE_MS),
    stop: () => end(0, 0),
  };
}
