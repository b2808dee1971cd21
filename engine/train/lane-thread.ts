// The thread of a further lane (lane.ts) seen from the training loop: asked for one thing at a time. Idle it does not keep the process alive.
import { Worker } from "node:worker_threads";
import { RatchetError } from "../../errors/index.ts";
import type { Tensor } from "../graph/value.ts";
import type { Checkpoint } from "../model/types.ts";
import type { GradientArrays, GradientSettings } from "./gradient-pass.ts";
import type { LaidRow } from "./layout.ts";
import type { BatchLogps } from "./reference-pass.ts";
import { errorOf } from "./thread-failure.ts";
import type { ThreadFailure } from "./thread-failure.ts";

/** The inputs of a micro-batch, but for weights and gradients. */
export type Feeds = Record<string, Tensor>;

/** What all lanes of a training have. */
export interface LaneSettings extends GradientSettings {
  /** Rotary tables: the inputs that no step changes. */
  tables: Readonly<Record<string, Tensor>>;
}

export interface LaneWork {
  /** What stays the same for all micro-batches from now on. */
  begin: { args: LaneSettings; result: undefined };
  /** The arrays belong to whom they were sent to last. */
  gradients: {
    args: GradientArrays & { feeds: Feeds };
    result: GradientArrays & { values: Record<string, number> };
  };
  reference: {
    args: { model: Checkpoint; batches: readonly LaidRow[][]; threads: number };
    result: BatchLogps[];
  };
  /** Closes the sessions that were not used since the last time; how many it has opened since then. */
  tidy: { args: undefined; result: number };
}

export interface LaneRequest<Name extends keyof LaneWork = keyof LaneWork> {
  work: Name;
  args: LaneWork[Name]["args"];
}

export type LaneAnswer<Name extends keyof LaneWork = keyof LaneWork> =
  { result: LaneWork[Name]["result"] } | { failure: ThreadFailure };

interface Asked {
  resolve(answer: LaneAnswer): void;
  reject(error: unknown): void;
}

export class LaneThread {
  private readonly worker = new Worker(new URL("./lane.js", import.meta.url));
  private asked: Asked | undefined;
  private ended: RatchetError | undefined;

  constructor() {
    const end = (cause: unknown): void => {
      this.ended ??= new RatchetError(
        "graph_failed",
        `a thread of the training ended by itself: ${String(cause)}`,
        { cause },
      );
      this.asked?.reject(this.ended);
    };
    this.worker
      .on("message", (answer: LaneAnswer) => this.asked?.resolve(answer))
      .once("error", end)
      .once("exit", end)
      .unref();
  }

  async ask<Name extends keyof LaneWork>(
    work: Name,
    args: LaneWork[Name]["args"],
    arrays: readonly Float32Array[] = [],
  ): Promise<LaneWork[Name]["result"]> {
    if (this.ended) throw this.ended;
    this.worker.ref();
    try {
      const answer = await new Promise<LaneAnswer>((resolve, reject) => {
        this.asked = { resolve, reject };
        this.worker.postMessage(
          { work, args } satisfies LaneRequest<Name>,
          arrays.map(({ buffer }) => buffer as ArrayBuffer),
        );
      });
      if ("failure" in answer) throw errorOf(answer.failure);
      return answer.result as LaneWork[Name]["result"];
    } finally {
      // What is asked holds its answer, and an answer its arrays.
      this.asked = undefined;
      this.worker.unref();
    }
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}
