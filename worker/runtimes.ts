// The outside runtimes that the worker's own file names.
import { join } from "node:path";
import type { Generator, Scorer } from "../runtimes/types.ts";
import { VllmRuntime } from "../runtimes/vllm/index.ts";
import { readWorkerConfig } from "./config.ts";
import { logsDir } from "./env.ts";
import type { WorkerSettings } from "./env.ts";

export interface OutsideRuntimes {
  /** By the name that a spec uses. */
  generators: ReadonlyMap<string, Generator>;
  close(): Promise<void>;
}

export function openRuntimes(
  settings: WorkerSettings,
  scorer: Scorer,
  env: NodeJS.ProcessEnv,
): OutsideRuntimes {
  const config = readWorkerConfig(settings.config, env);
  if (!config.vllm) return { generators: new Map(), close: async () => undefined };
  const vllm = new VllmRuntime(config.vllm, scorer, join(logsDir(settings), "vllm.log"));
  return { generators: new Map([["vllm", vllm]]), close: () => vllm.close() };
}
