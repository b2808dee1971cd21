// The thread of a data-parallel worker, seen from the training loop. It serves one request at a time, and
// does not keep the process alive while it is idle. The program that runs in it is worker-program.ts.
import { Worker } from "node:worker_threads";
import { RatchetError } from "../../errors/index.ts";
import type { Code } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";
import type { Tensor } from "../graph/value.ts";
import type { Checkpoint } from "../model/types.ts";
import type { BatchRow } from "./batches.ts";
import type { BatchLogps, GradientArrays, GradientSettings } from "./passes.ts";

/** The inputs of a micro-batch, except weights and gradients. */
export type Feeds = Record<string, Tensor>;

/** Settings that all workers of a training share. */
export interface WorkerSettings extends GradientSettings {
  /** Rotary tables: inputs that are the same in every step. */
  tables: Readonly<Record<string, Tensor>>;
}

/** Requests by name. */
export interface WorkerRequests {
  /** Settings for all micro-batches from now on. */
  begin: { args: WorkerSettings; result: undefined };
  /** The arrays are transferred, not copied: only the receiver of the last message can use them. */
  gradients: {
    args: GradientArrays & { feeds: Feeds };
    result: GradientArrays & { values: Record<string, number> };
  };
  reference: {
    args: { model: Checkpoint; batches: readonly BatchRow[][]; threads: number };
    result: BatchLogps[];
  };
  /**
   * Closes the sessions that were not used since the last such request. The result is the number of sessions
   * opened since then.
   */
  closeUnused: { args: undefined; result: number };
}

export interface WorkerRequest<Name extends keyof WorkerRequests = keyof WorkerRequests> {
  name: Name;
  args: WorkerRequests[Name]["args"];
}

export type WorkerAnswer<Name extends keyof WorkerRequests = keyof WorkerRequests> =
  { result: WorkerRequests[Name]["result"] } | { failure: WorkerFailure };

/**
 * An error of the engine as a message, because a thrown error would lose its class and code between threads.
 */
export interface WorkerFailure {
  code: Code;
  message: string;
}

/** Throws any error that is not the engine's: it ends the thread, and `WorkerThread` reports that. */
export function failureOf(error: unknown, doing: string): WorkerFailure {
  const named = nameMemory(error, doing);
  if (!(named instanceof RatchetError)) throw error;
  return { code: named.code, message: named.message };
}

interface Pending {
  resolve(answer: WorkerAnswer): void;
  reject(error: unknown): void;
}

export class WorkerThread {
  private readonly worker = new Worker(new URL("./worker-program.js", import.meta.url));
  private pending: Pending | undefined;
  private ended: RatchetError | undefined;

  constructor() {
    const end = (cause: unknown): void => {
      const message = `a training thread ended unexpectedly: ${String(cause)}`;
      this.ended ??= new RatchetError("graph_failed", message, { cause });
      this.pending?.reject(this.ended);
    };
    this.worker
      .on("message", (answer: WorkerAnswer) => this.pending?.resolve(answer))
      .once("error", end)
      .once("exit", end)
      .unref();
  }

  async ask<Name extends keyof WorkerRequests>(
    name: Name,
    args: WorkerRequests[Name]["args"],
    transferred: readonly Float32Array[] = [],
  ): Promise<WorkerRequests[Name]["result"]> {
    if (this.ended) throw this.ended;
    this.worker.ref();
    try {
      const answer = await new Promise<WorkerAnswer>((resolve, reject) => {
        this.pending = { resolve, reject };
        this.worker.postMessage(
          { name, args } satisfies WorkerRequest<Name>,
          transferred.map(({ buffer }) => buffer as ArrayBuffer),
        );
      });
      if ("failure" in answer) throw new RatchetError(answer.failure.code, answer.failure.message);
      return answer.result as WorkerRequests[Name]["result"];
    } finally {
      // A settled promise would hold its answer, and the answer's arrays, until the next request.
      this.pending = undefined;
      this.worker.unref();
    }
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
