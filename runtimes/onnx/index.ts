// The `onnx` runtime: the engine in child processes, because onnxruntime blocks its event loop and only a
// kill stops it for certain. Generation and scoring share a pool of children. Training has its own, because
// it occupies a child for hours.
import { availableParallelism } from "node:os";
import type { AnswerRow, Generator, SampleRequest, Scorer, Trainer } from "../types.ts";
import { Pool } from "./pool.ts";
import { cut, splitAcross } from "./split-across.ts";

export interface OnnxRuntimeOptions {
  /**
   * Threads for training; the children for generation and scoring divide them, at least one each. Results do
   * not depend on it. Default: all cores.
   */
  threads?: number;
  /** Number of children for generation and scoring. Default 1. */
  children?: number;
  /** Time for a cancelled call to reach a safe point; then its child is killed. Default 20 s. */
  graceMs?: number;
  /** Longest time to encode one row. Default three minutes. */
  encodeMs?: number;
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

/**
 * Most rows decoded together: enough for full speed, few enough for a piece to occupy two children. Another
 * number gives other bits.
 */
export const ROWS_DECODED = 64;
/** Most rows scored together. They are sorted by length, so more rows mean less padding. */
const rowsScored = (count: number): number => Math.max(ROWS_DECODED, Math.min(512, Math.ceil(count / 2)));

const promptOf = ({ prompt }: AnswerRow | SampleRequest): string => prompt.id;

/** Threads of each child. */
export const threadsEach = (threads: number, children: number): number =>
  Math.max(1, Math.floor(threads / children));

export function createOnnxRuntime(options: OnnxRuntimeOptions = {}): OnnxRuntime {
  const { threads = availableParallelism(), children = 1, graceMs = 20_000, encodeMs } = options;
  const pool = new Pool(children, { threads: threadsEach(threads, children), graceMs, encodeMs });
  const trainers = new Pool(1, { threads, graceMs, encodeMs });
  return {
    ...onnxRuntimeOn(pool, trainers),
    pids: () => [...pool.pids(), ...trainers.pids()],
    close: async () => {
      await Promise.all([pool.close(), trainers.close()]);
    },
  };
}

/** The runtime on given pools: it splits rows into calls, and the pools decide where a call is computed. */
export function onnxRuntimeOn(
  pool: Pick<Pool, "call">,
  trainers: Pick<Pool, "call">,
): Pick<OnnxRuntime, "generator" | "scorer" | "trainer"> {
  return {
    generator: {
      deterministic: true,
      generate: (policy, requests, settings, context) =>
        splitAcross(cut(requests, ROWS_DECODED, promptOf), context, (part, hooks) =>
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
