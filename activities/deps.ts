// What activities need from the worker that runs them. worker/deps.ts makes it; tests make their own.
import type { ModuleBlob, ModuleRole } from "../campaign/spec/modules.ts";
import type { Facts } from "../campaign/types.ts";
import type { Generator, Scorer, Trainer } from "../runtimes/types.ts";
import type { Store } from "../store/types.ts";
import type { Limits } from "./attempt/watchdog.ts";

/** Content-addressed copies on the worker's disk, verified when they were fetched. */
export interface LocalCache {
  tree(digest: string): Promise<string>;
  /** Which copy is there now; undefined where it is not whole: others may clear a cache at any time. */
  copyOf(digest: string): Promise<string | undefined>;
}

/** Calls a bundled module's default export in its own child process. */
export interface ModuleCaller {
  call<Row, Answer>(role: ModuleRole, blob: ModuleBlob, rows: Row[], signal: AbortSignal): Promise<Answer[]>;
}

export interface Deps {
  store: Store;
  cache: LocalCache;
  generator: Generator;
  scorer: Scorer;
  trainer: Trainer;
  modules: ModuleCaller;
  /** Identity of the Temporal server and namespace, recorded in `opened` rows. */
  server: string;
  namespace: string;
  searchAttributes: boolean;
  /** Aborted when the worker was told to stop: activities save and fail their attempt. */
  draining: AbortSignal;
  /** Host, CPU, versions: the part of facts that is the same for all of the worker's activities. */
  facts: Pick<Facts, "host" | "cpu" | "node" | "onnxruntime" | "ratchet"> & Record<string, unknown>;
  /** Time that an attempt which is to end gets to save what it does. */
  graceMs: number;
  /** Other limits than the watchdog's own; for tests. */
  stuckAfter?: Limits;
  /** Folder for files in the making; one subfolder per attempt. */
  scratchDir: string;
}
