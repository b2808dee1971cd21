// The micro-batches of a step side by side on data-parallel workers. The first worker runs in this thread;
// each other one has a thread with its own sessions and a copy of the weights (worker-thread.ts). Two threads
// with a half each wait less for each other than two threads that share every operation. Gradients are added
// in the order of the micro-batches, so the number of workers changes no bit.
import { makeSum } from "../optim/sum.ts";
import type { Sum } from "../optim/sum.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { cut } from "./micro-batch.ts";
import { GradientPass } from "./passes.ts";
import type { GradientArrays } from "./passes.ts";
import type { SessionPool } from "./session-pool.ts";
import type { ParameterState } from "./trainable-parameters.ts";
import type { Feeds, WorkerSettings, WorkerThread } from "./worker-thread.ts";

/** A worker with a thread of its own. */
class ThreadedWorker {
  private readonly thread: WorkerThread;
  private readonly settings: WorkerSettings;
  private begun: Promise<undefined> | undefined;
  private arrays: GradientArrays;

  constructor(thread: WorkerThread, settings: WorkerSettings, size: number) {
    this.thread = thread;
    this.settings = settings;
    this.arrays = { weights: new Float32Array(size), gradients: new Float32Array(size) };
  }

  /**
   * Loss and metrics, and the gradients, which are valid until the next call. A failure loses the arrays, so
   * it ends the training.
   */
  async run(
    weights: Float32Array,
    feeds: Feeds,
  ): Promise<{ values: Record<string, number>; gradients: Float32Array }> {
    const { arrays } = this;
    await (this.begun ??= this.thread.ask("begin", this.settings));
    arrays.weights.set(weights);
    const { values, ...returned } = await this.thread.ask("gradients", { feeds, ...arrays }, [
      arrays.weights,
      arrays.gradients,
    ]);
    this.arrays = returned;
    return { values, gradients: returned.gradients };
  }
}

export class DataParallel {
  private readonly first: GradientPass;
  private readonly arrays: GradientArrays;
  /** Feeds of the first worker that are the same in every step. */
  private readonly constantFeeds: LoadedWeights;
  private readonly others: readonly ThreadedWorker[];
  /** Made when it is first needed. */
  private sum: Sum | undefined;

  /** `count` workers. The first uses the training's own arrays, and only it can have `frozen` weights. */
  constructor(
    pool: SessionPool,
    { layout, arrays }: Pick<ParameterState, "layout" | "arrays">,
    frozen: LoadedWeights,
    count: number,
    settings: WorkerSettings,
  ) {
    this.first = new GradientPass(pool.sessions, settings, layout);
    this.arrays = arrays;
    this.constantFeeds = { ...frozen, ...toFeeds(settings.tables) };
    this.others = pool.threads(count - 1).map((thread) => new ThreadedWorker(thread, settings, layout.size));
  }

  /** Returns loss and metrics of each micro-batch. Writes the sum of all gradients to the arrays. */
  async run(microBatches: readonly Feeds[]): Promise<Record<string, number>[]> {
    const values: Record<string, number>[] = [];
    for (const [feeds = {}, ...rest] of cut(microBatches, 1 + this.others.length)) {
      const theirs = rest.map((of, worker) =>
        (this.others[worker] as ThreadedWorker).run(this.arrays.weights, of),
      );
      const mine = this.first.run(
        this.arrays,
        { ...this.constantFeeds, ...toFeeds(feeds) },
        values.length > 0,
      );
      const [own, ...others] = await Promise.all([mine, ...theirs]);
      values.push(own, ...others.map((of) => of.values));
      for (const { gradients } of others)
        (this.sum ??= makeSum()).run({ sum: this.arrays.gradients, added: gradients }, {});
    }
    return values;
  }
}
