// The worker's settings, read from the environment in this one place. Campaigns never name paths, threads or servers.
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import type { NoticeSources } from "./termination-notice.ts";

export interface WorkerSettings {
  /** `dir:/path` or `s3://bucket/prefix`. */
  store: string;
  /** Task queues served: `workflows`, `control`, and stage queues such as `cpu` or `gpu`. */
  queues: string[];
  /** Cache and scratch; may be deleted whenever no worker runs. */
  stateDir: string;
  cacheBytes: number;
  /** Engine children, and threads of all of them together. Neither changes any result. */
  children: number;
  threads: number;
  /** Time that running activities get to save what they do after SIGTERM. */
  graceMs: number;
  /** Where the machine's end is announced. */
  notice: NoticeSources;
  /** Worker deployment that this worker is a version of: an iteration then stays on the build that began it. */
  deployment?: string;
  /** Identity of the Temporal server, given by `ratchet dev`; asked from the server otherwise. */
  serverId?: string;
}

const DEFAULT_CACHE_BYTES = 20 * 1024 ** 3;

export function workerSettings(env: NodeJS.ProcessEnv): WorkerSettings {
  const store = env["RATCHET_STORE"];
  if (!store)
    throw new RatchetError("store_missing", "a worker needs a store", {
      hint: "set RATCHET_STORE or --store to dir:/path or s3://bucket/prefix",
    });
  const {
    RATCHET_SERVER_ID: serverId,
    RATCHET_DRAIN_FILE: drainFile,
    RATCHET_DRAIN_URL: drainUrl,
    RATCHET_DEPLOYMENT: deployment,
  } = env;
  const cores = availableParallelism();
  const children = count(env, "RATCHET_CHILDREN", Math.min(cores, 2));
  return {
    store,
    queues: (env["RATCHET_QUEUES"] ?? "workflows,control,cpu").split(",").map((queue) => queue.trim()),
    stateDir: resolve(env["RATCHET_STATE"] ?? ".ratchet", "worker"),
    cacheBytes: count(env, "RATCHET_CACHE_BYTES", DEFAULT_CACHE_BYTES),
    children,
    threads: count(env, "RATCHET_THREADS", cores),
    graceMs: count(env, "RATCHET_GRACE_MS", 20_000),
    notice: { ...(drainFile ? { file: drainFile } : {}), ...(drainUrl ? { url: drainUrl } : {}) },
    ...(deployment ? { deployment } : {}),
    ...(serverId ? { serverId } : {}),
  };
}

export const cacheDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "cache");
export const scratchDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "scratch");
export const attemptsDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "attempts");

function count(env: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const text = env[name];
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RatchetError("env_invalid", `${name} is ${JSON.stringify(text)}`, {
      hint: `${name} must be a whole number of at least 1`,
    });
  return value;
}

/** Where the `env:NAME` of a spec's modules is looked up. */
export const moduleEnvironment = (): Record<string, string | undefined> => process.env;
