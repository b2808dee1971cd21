// Dependencies of all activities. A worker makes them in worker/deps.ts; tests make their own.
import type { ModuleBlob, ModuleRole } from "../campaign/spec/modules.ts";
import type { Facts } from "../campaign/types.ts";
import type { ApiLabeler } from "../runtimes/api-labeler/index.ts";
import type { Generator, Scorer, Trainer } from "../runtimes/types.ts";
import type { Store } from "../store/types.ts";
import type { Limits } from "./attempt/watchdog.ts";

/** Content-addressed copies on the worker's disk, verified when they are downloaded. */
export interface LocalCache {
  tree(digest: string): Promise<string>;
  /** Identity of the present copy; undefined if a file is missing, since anybody may clear a cache. */
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
  /** Further runtimes that generate, by name, from the worker's settings. */
  generators: ReadonlyMap<string, Generator>;
  scorer: Scorer;
  trainer: Trainer;
  modules: ModuleCaller;
  /** By name, from the worker's settings. */
  apiLabelers: ReadonlyMap<string, ApiLabeler>;
  /** Identity of the Temporal server and namespace, recorded in `opened` rows. */
  server: string;
  namespace: string;
  searchAttributes: boolean;
  /** Aborted when the worker stops: activities save their work and fail their attempt. */
  draining: AbortSignal;
  /** Host, CPU, versions: the facts that all activities of the worker share. */
  facts: Pick<Facts, "host" | "cpu" | "node" | "onnxruntime" | "ratchet"> & Record<string, unknown>;
  /** Time that an aborted attempt gets to save its work. */
  graceMs: number;
  /** Limits in place of the watchdog's own; for tests. */
  stuckAfter?: Limits;
  /** Folder for temporary files; each attempt has a subfolder. */
  scratchDir: string;
}
