// The micro-batches of a step side by side: the first in this thread, each other one in a thread with a session and a copy of the weights
// (lane-thread.ts). Two threads that compute a half each wait less for each other than two that share every operation.
// Gradients are added in the order of the micro-batches, so that the number of lanes changes no bit.
import { makeSum } from "../optim/sum.ts";
import type { Sum } from "../optim/sum.ts";
import { toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import { GradientPass } from "./gradient-pass.ts";
import type { GradientArrays } from "./gradient-pass.ts";
import type { Feeds, LaneSettings, LaneThread } from "./lane-thread.ts";
import { cut } from "./micro-batch.ts";
import type { ParameterState } from "./parameter-state.ts";
import type { Workshop } from "./workshop.ts";

class Lane {
  private readonly thread: LaneThread;
  private readonly settings: LaneSettings;
  private begun: Promise<undefined> | undefined;
  private arrays: GradientArrays;

  constructor(thread: LaneThread, settings: LaneSettings, size: number) {
    this.thread = thread;
    this.settings = settings;
    this.arrays = { weights: new Float32Array(size), gradients: new Float32Array(size) };
  }

  /** Loss and metrics, and the gradients until the next call. After a failure the arrays are gone, and so is the training. */
  async run(
    weights: Float32Array,
    feeds: Feeds,
  ): Promise<{ values: Record<string, number>; gradients: Float32Array }> {
    const { arrays } = this;
    await (this.begun ??= this.thread.ask("begin", this.settings));
    arrays.weights.set(weights);
    const { values, ...back } = await this.thread.ask("gradients", { feeds, ...arrays }, [
      arrays.weights,
      arrays.gradients,
    ]);
    this.arrays = back;
    return { values, gradients: back.gradients };
  }
}

export class Lanes {
  private readonly own: GradientPass;
  private readonly arrays: GradientArrays;
  /** What the first lane is fed in every step. */
  private readonly fixed: LoadedWeights;
  private readonly others: readonly Lane[];
  /** Made when there is something to add. */
  private sum: Sum | undefined;

  /** `count` lanes, of which the first has the arrays of the training; only it can have `frozen` weights. */
  constructor(
    workshop: Workshop,
    { layout, arrays }: Pick<ParameterState, "layout" | "arrays">,
    frozen: LoadedWeights,
    count: number,
    settings: LaneSettings,
  ) {
    this.own = new GradientPass(workshop.sessions, settings, layout);
    this.arrays = arrays;
    this.fixed = { ...frozen, ...toFeeds(settings.tables) };
    this.others = workshop.lanes(count - 1).map((thread) => new Lane(thread, settings, layout.size));
  }

  /** Loss and metrics of each micro-batch; the gradients of all are added up in the arrays. */
  async run(parts: readonly Feeds[]): Promise<Record<string, number>[]> {
    const values: Record<string, number>[] = [];
    for (const [first = {}, ...rest] of cut(parts, 1 + this.others.length)) {
      const theirs = rest.map((feeds, lane) => (this.others[lane] as Lane).run(this.arrays.weights, feeds));
      const mine = this.own.run(this.arrays, { ...this.fixed, ...toFeeds(first) }, values.length > 0);
      const [own, ...others] = await Promise.all([mine, ...theirs]);
      values.push(own, ...others.map((of) => of.values));
      for (const { gradients } of others)
        (this.sum ??= makeSum()).run({ sum: this.arrays.gradients, added: gradients }, {});
    }
    return values;
  }
}
