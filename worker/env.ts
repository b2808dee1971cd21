// The settings of a worker, read from environment variables. Campaigns never name paths, threads or servers.
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import type { TerminationNoticeSources } from "./termination-notice.ts";

export interface WorkerSettings {
  /** `dir:/path` or `s3://bucket/prefix`. */
  store: string;
  /** Task queues served: `workflows`, `control`, and stage queues such as `cpu` or `gpu`. */
  queues: string[];
  /** Cache, scratch and attempts; may be deleted while no worker runs. */
  stateDir: string;
  cacheBytes: number;
  /** Engine children, and threads of all children together. Neither changes a result. */
  children: number;
  threads: number;
  /** Time for running activities to save their work after SIGTERM. */
  graceMs: number;
  /** Sources of a termination notice. */
  notice: TerminationNoticeSources;
  /** Temporal worker deployment of this worker: iterations are then pinned to the build that began them. */
  deployment?: string;
  /** File of the API labelers (worker/api-labelers.ts). */
  apiLabelers?: string;
  /** The worker's own file (worker/config.ts). */
  config?: string;
  /** Identity of the Temporal server, set by `ratchet dev`; default: temporal/server-identity.ts. */
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
    RATCHET_API_LABELERS: apiLabelers,
    RATCHET_WORKER_CONFIG: config,
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
    notice: { file: drainFile || undefined, url: drainUrl || undefined },
    deployment: deployment || undefined,
    apiLabelers: apiLabelers || undefined,
    config: config || undefined,
    serverId: serverId || undefined,
  };
}

export const cacheDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "cache");
export const scratchDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "scratch");
export const logsDir = ({ stateDir }: WorkerSettings): string => join(stateDir, "logs");
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

/** Values of the `env:NAME` entries of a spec's modules. */
export const moduleEnvironment = (): Record<string, string | undefined> => process.env;
