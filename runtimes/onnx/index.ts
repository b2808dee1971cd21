// The `onnx` runtime: the engine in child processes, because onnxruntime blocks the event loop that runs it and can only be stopped
// for certain by a kill. Generation and scoring share a pool; training, which holds its child for hours, has one of its own.
import { availableParallelism } from "node:os";
import type { AnswerRow, Generator, SampleRequest, Scorer, Trainer } from "../types.ts";
import { Pool } from "./pool.ts";
import { cut, splitAcross } from "./split-across.ts";

export interface OnnxRuntimeOptions {
  /** Threads in all: shared out among the children, one each at least, and all of them for training. No result depends on it. Default: all cores. */
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

/** Rows decoded together: enough for full speed, few enough that a piece keeps two children busy. Other numbers give other bits. */
export const rowsDecoded = 64;
/** Rows scored together are sorted by length: the more, the less padding. */
const rowsScored = (count: number): number => Math.max(rowsDecoded, Math.min(512, Math.ceil(count / 2)));

const promptOf = ({ prompt }: AnswerRow | SampleRequest): string => prompt.id;

/** Threads of each child. */
export const threadsEach = (threads: number, children: number): number =>
  Math.max(1, Math.floor(threads / children));

export function createOnnxRuntime(options: OnnxRuntimeOptions = {}): OnnxRuntime {
  const { threads = availableParallelism(), children = 1, graceMs = 20_000 } = options;
  const pool = new Pool(children, { threads: threadsEach(threads, children), graceMs });
  const trainers = new Pool(1, { threads, graceMs });
  return {
    ...onnxRuntimeOn(pool, trainers),
    pids: () => [...pool.pids(), ...trainers.pids()],
    close: async () => {
      await Promise.all([pool.close(), trainers.close()]);
    },
  };
}

/** Whoever serves the engine's calls decides where they are computed; how rows are cut into calls is decided here. */
export function onnxRuntimeOn(
  pool: Pick<Pool, "call">,
  trainers: Pick<Pool, "call">,
): Pick<OnnxRuntime, "generator" | "scorer" | "trainer"> {
  return {
    generator: {
      deterministic: true,
      generate: (policy, requests, settings, context) =>
        splitAcross(cut(requests, rowsDecoded, promptOf), context, (part, hooks) =>
          pool.call("generate", policy.digest, { policy, requests: part, settings }, hooks),
        ),
    },
    scorer: {
      rewards: (model, rows, context) =>
        splitAcross(cut(rows, rowsScored(rows.length), promptOf), context, (part, hooks) =>
          pool.call("rewards", model.digest, { model, rows: part }, hooks),
        ),
      logps: (model, rows, context) =>
        splitAcross(cut(rows, rowsScored(rows.length), promptOf), context, (part, hooks) =>
          pool.call("logps", model.digest, { model, rows: part }, hooks),
        ),
      choices: (model, rows, context) => pool.call("choices", model.digest, { model, rows }, context),
    },
    trainer: { train: (request, hooks) => trainers.call("train", request.start.digest, request, hooks) },
  };
}
