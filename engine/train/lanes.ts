// The micro-batches of a step side by side: the first in this thread, each other one in a thread with a session and a copy of the weights
// (lane.ts). Two threads that compute a half each wait less for each other than two that share every operation.
// Gradients are added in the order of the micro-batches, so that the number of lanes changes no bit.
import { Worker } from "node:worker_threads";
import type { Tensor } from "../graph/value.ts";
import type { ModelConfig } from "../model/types.ts";
import { Sum } from "../optim/sum.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import type { GradientArrays, GradientPass } from "./gradient-pass.ts";
import { cut } from "./micro-batch.ts";
import { endOf, errorOf } from "./thread-failure.ts";
import type { ThreadFailure } from "./thread-failure.ts";
import type { TrainTask } from "./types.ts";

/** The inputs of a micro-batch, but for weights and gradients. */
export type Feeds = Record<string, Tensor>;

/** What a lane begins with. */
export interface LaneSettings {
  task: TrainTask;
  config: ModelConfig;
  threads: number;
  /** Rotary tables: the inputs that no step changes. */
  tables: Feeds;
}

/** The arrays belong to whom they were sent to last. */
export interface LaneRequest extends GradientArrays {
  feeds: Feeds;
}

export type LaneAnswer = GradientArrays & ({ values: Record<string, number> } | { failure: ThreadFailure });

class Lane {
  private readonly worker: Worker;
  private readonly ended: Promise<never>;
  private arrays: GradientArrays;

  constructor(settings: LaneSettings, size: number) {
    this.worker = new Worker(new URL("./lane.js", import.meta.url), { workerData: settings });
    this.ended = endOf(this.worker);
    this.arrays = { weights: new Float32Array(size), gradients: new Float32Array(size) };
  }

  /** Loss and metrics, and the gradients until the next call. */
  async run(weights: Float32Array, feeds: Feeds): Promise<{ values: Record<string, number>; gradients: Float32Array }> {
    this.arrays.weights.set(weights);
    const answer = await this.ask({ ...this.arrays, feeds });
    this.arrays = { weights: answer.weights, gradients: answer.gradients };
    if ("values" in answer) return { values: answer.values, gradients: answer.gradients };
    throw errorOf(answer.failure);
  }

  private ask(request: LaneRequest): Promise<LaneAnswer> {
    const answer = new Promise<LaneAnswer>((resolve) => this.worker.once("message", resolve));
    this.worker.postMessage(request, [request.weights.buffer as ArrayBuffer, request.gradients.buffer as ArrayBuffer]);
    return Promise.race([answer, this.ended]);
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
}

export class Lanes {
  private readonly own: GradientPass;
  private readonly arrays: GradientArrays;
  /** What the first lane is fed in every step. */
  private readonly fixed: LoadedWeights;
  private readonly others: readonly Lane[];
  private sum: Promise<Sum> | undefined;

  /** `count` lanes, of which `own` is the first, with the arrays of the training; only it can have `frozen` weights. */
  constructor(own: GradientPass, arrays: GradientArrays, frozen: LoadedWeights, count: number, settings: LaneSettings) {
    this.own = own;
    this.arrays = arrays;
    this.fixed = { ...frozen, ...toFeeds(settings.tables) };
    this.others = Array.from({ length: count - 1 }, () => new Lane(settings, arrays.weights.length));
  }

  /** Loss and metrics of each micro-batch; the gradients of all are added up in the arrays. */
  async run(parts: readonly Feeds[]): Promise<Record<string, number>[]> {
    const values: Record<string, number>[] = [];
    for (const [first = {}, ...rest] of cut(parts, 1 + this.others.length)) {
      const theirs = rest.map((feeds, lane) => (this.others[lane] as Lane).run(this.arrays.weights, feeds));
      const mine = this.own.run(this.arrays, { ...this.fixed, ...toFeeds(first) }, values.length > 0);
      const [own, ...others] = await Promise.all([mine, ...theirs]);
      values.push(own, ...others.map((of) => of.values));
      for (const { gradients } of others) await (await this.opened()).add(this.arrays.gradients, gradients);
    }
    return values;
  }

  private opened(): Promise<Sum> {
    return (this.sum ??= Sum.create({ threads: 1 + this.others.length, spinning: false }));
  }

  async close(): Promise<void> {
    await Promise.all(this.others.map((lane) => lane.close()));
    await this.own.close();
    await (await this.sum)?.close();
  }
}
