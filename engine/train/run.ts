// One run of training: the state that its steps share, one step, and its checkpoints. train.ts opens it and
// runs its steps.
import { RatchetError } from "../../errors/index.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { ModelConfig } from "../model/types.ts";
import type { AdamW } from "../optim/adamw.ts";
import { adamScalars, learningRateAt } from "../optim/settings.ts";
import { nameMemory } from "../out-of-memory.ts";
import { trainedTokens } from "./batches.ts";
import type { BatchPlan, BatchRow } from "./batches.ts";
import { DataParallel } from "./data-parallel.ts";
import { inputsOf } from "./graph-inputs.ts";
import { propertiesOf } from "./graphs.ts";
import { cut, valuesOfStep } from "./micro-batch.ts";
import type { BatchSizes } from "./micro-batch.ts";
import type { TrainOptions, TrainResult } from "./options.ts";
import { rowTokens } from "./rows.ts";
import { isCached } from "./session-pool.ts";
import type { SessionPool } from "./session-pool.ts";
import type { ParameterState, TrainableParameters } from "./trainable-parameters.ts";
import type { StepRecord, TrainerState } from "./types.ts";
import type { Feeds } from "./worker-thread.ts";

export type RunOptions = TrainOptions & { pool: SessionPool };

export interface RunParts {
  config: ModelConfig;
  plan: BatchPlan;
  identity: string;
  trainable: TrainableParameters;
  state: ParameterState;
  /** Log-probabilities of all answers under the reference; empty if the loss uses none. */
  reference: readonly number[];
  curve: readonly StepRecord[];
  sizes: BatchSizes;
  adamw: AdamW;
}

export class Run {
  private readonly options: RunOptions;
  private readonly parts: RunParts;
  private readonly dataParallel: DataParallel;
  readonly curve: StepRecord[];
  /** Whether the run's sessions stay open for the next training. */
  readonly isCached: boolean;
  private savedAt = performance.now();
  private saveCostMs = 0;

  constructor(options: RunOptions, parts: RunParts) {
    const { config, trainable, state, curve, sizes } = parts;
    const { pool, task, adapter, threads } = options;
    this.options = options;
    this.parts = parts;
    this.dataParallel = new DataParallel(pool, state, trainable.frozen, sizes.workers, {
      task,
      config,
      adapter: adapter?.settings,
      threads: Math.max(1, Math.floor(threads / sizes.workers)),
      tables: { ...rotaryTables(config, sizes.longest) },
    });
    this.curve = [...curve];
    this.isCached = isCached(config, task, sizes);
  }

  get steps(): number {
    return this.parts.plan.steps.length;
  }

  /** Number of steps done. */
  get step(): number {
    return this.curve.length;
  }

  private feedsOf(batch: readonly number[]): Feeds {
    const { task } = this.options;
    const rows = batch.map((row) => this.parts.plan.rows[row] as BatchRow);
    const inputs = inputsOf(task, this.parts.config, rows);
    if (!propertiesOf(task).reference) return inputs;
    const reference = Float32Array.from(
      [...batch.map((row) => row * 2), ...batch.map((row) => row * 2 + 1)],
      (answer) => this.parts.reference[answer] as number,
    );
    return { ...inputs, reference: { dtype: "float32", shape: [reference.length], data: reference } };
  }

  /** Loss and metrics of a step; the gradients are in `state`. */
  private async gradients(batch: readonly number[]): Promise<Record<string, number>> {
    const microBatches = cut(batch, this.parts.sizes.microBatch).map((rows) => ({
      rows: rows.length,
      feeds: this.feedsOf(rows),
    }));
    return valuesOfStep(this.options.task, microBatches, (shared) => this.dataParallel.run(shared));
  }

  /** Takes the next step. */
  async advance(): Promise<void> {
    const { optimizer } = this.options;
    const step = this.step + 1;
    const batch = this.parts.plan.steps[step - 1] as readonly number[];
    const learningRate = learningRateAt(optimizer, step, this.steps);
    const values = await this.gradients(batch).catch((error: unknown) =>
      Promise.reject(this.atStep(error, step)),
    );
    const norm = await this.parts.adamw.norm(this.parts.state.arrays);
    if (!Number.isFinite(values["loss"]) || !Number.isFinite(norm)) {
      throw new RatchetError(
        "loss_not_finite",
        `step ${step} gave loss ${values["loss"]} and gradient norm ${norm} on rows ${this.rowsOf(step)}`,
        { hint: "a lower learning rate or stronger clipping often helps" },
      );
    }
    this.parts.adamw.step(this.parts.state.arrays, norm, adamScalars(optimizer, step, learningRate));
    this.record(step, batch, values, { norm, learningRate });
  }

  /** Appends a step to the curve and reports it. */
  private record(
    step: number,
    batch: readonly number[],
    values: Record<string, number>,
    { norm, learningRate }: { norm: number; learningRate: number },
  ): void {
    const { optimizer, onStep } = this.options;
    const rows = batch.map((row) => this.parts.plan.rows[row] as BatchRow);
    // NaN is the mean over no answer, such as the desirable ones of a batch that has none.
    const known = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
    const record: StepRecord = {
      step,
      // First, because displays that have room for a few values show the first ones.
      loss: values["loss"] as number,
      grad_norm: norm,
      ...Object.fromEntries(known),
      learning_rate: learningRate,
      epoch: (step / this.steps) * optimizer.epochs,
      num_tokens: rows.reduce(
        (total, row) => total + trainedTokens(row),
        this.curve.at(-1)?.["num_tokens"] ?? 0,
      ),
    };
    this.curve.push(record);
    const tokens = rows.reduce((total, row) => total + rowTokens(row), 0);
    onStep?.({ step, steps: this.steps, tokens, record });
  }

  /** The caller's row numbers of a step. */
  private rowsOf(step: number): string {
    return this.parts.plan.given[step - 1]?.join(", ") ?? "";
  }

  /** The same error, naming the step and its rows. */
  private atStep(error: unknown, step: number): unknown {
    const named = nameMemory(
      error,
      `step ${step} on rows ${this.rowsOf(step)}, ${this.parts.sizes.microBatch} at once`,
    );
    if (!(named instanceof RatchetError) || named.kind !== "resource") return named;
    return new RatchetError(named.code, named.message, {
      cause: named.cause,
      hint: "a smaller microBatch or maxLength needs less memory",
    });
  }

  async save(): Promise<void> {
    const { first, second } = this.parts.state.moments();
    const startedAt = performance.now();
    const state: TrainerState = {
      step: this.step,
      identity: this.parts.identity,
      weights: this.parts.state.weights(),
      firstMoments: first,
      secondMoments: second,
      curve: [...this.curve],
      referenceLogps: [...this.parts.reference],
    };
    await this.options.checkpoint?.save(state);
    this.savedAt = performance.now();
    this.saveCostMs = this.savedAt - startedAt;
  }

  /** Whether a checkpoint is due. None is after the last step, because the result follows at once. */
  saveDue(): boolean {
    const { everySteps = 0, everySeconds = 0, costMax = 1 } = this.options.checkpoint ?? {};
    const sinceMs = performance.now() - this.savedAt;
    // The save's share of the time from the end of the last save to the end of the next is at most costMax.
    if (this.step === this.steps || this.saveCostMs > costMax * (sinceMs + this.saveCostMs)) return false;
    return (
      (everySteps > 0 && this.step % everySteps === 0) || (everySeconds > 0 && sinceMs >= everySeconds * 1000)
    );
  }

  result(): Pick<TrainResult, "checkpoint" | "adapter"> {
    return this.parts.trainable.result(this.parts.state.weights());
  }
}
