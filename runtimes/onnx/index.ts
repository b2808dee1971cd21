// The `onnx` runtime: the engine in child processes, because onnxruntime blocks the event loop that runs it and can only be stopped
// for certain by a kill. Generation and scoring share a pool; training, which holds its child for hours, has one of its own.
import { availableParallelism } from "node:os";
import type { Generator, Scorer, Trainer } from "../types.ts";
import { Pool } from "./pool.ts";

export interface OnnxRuntimeOptions {
  /** Threads inside one operation, per child; results do not depend on it. Default: all cores, shared out among the children. */
  threads?: number;
  /** Children for generation and scoring. Default 1. */
  children?: number;
  /** Time that a cancelled call has to reach a safe point before its child is killed. Default 20 s. */
  graceMs?: number;
}

export interface OnnxRuntime {
  generator: Generator;
  scorer: Scorer;
  trainer: Trainer;
  /** Process ids of the live children. */
  pids(): number[];
  /** Kills the children. */
  close(): Promise<void>;
}

export function createOnnxRuntime(options: OnnxRuntimeOptions = {}): OnnxRuntime {
  const { children = 1, graceMs = 20_000 } = options;
  const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / children));
  const pool = new Pool(children, { threads, graceMs });
  const trainers = new Pool(1, { threads: options.threads ?? availableParallelism(), graceMs });
  return {
    generator: {
      deterministic: true,
      generate: (policy, requests, settings, context) => pool.call("generate", policy.digest, { policy, requests, settings }, context),
    },
    scorer: {
      rewards: (model, rows, context) => pool.call("rewards", model.digest, { model, rows }, context),
      logps: (model, rows, context) => pool.call("logps", model.digest, { model, rows }, context),
      choices: (model, rows, context) => pool.call("choices", model.digest, { model, rows }, context),
    },
    trainer: { train: (request, hooks) => trainers.call("train", request.start.digest, request, hooks) },
    pids: () => [...pool.pids(), ...trainers.pids()],
    close: async () => {
      await Promise.all([pool.close(), trainers.close()]);
    },
  };
}
