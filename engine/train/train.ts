// The training loop: plan the batches, run one graph per step, keep the curve, hand out checkpoints. It knows nothing of files,
// processes or durability; a state that it handed out lets it go on with the same bits.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import { nameMemory } from "../out-of-memory.ts";
import type { Tensor } from "../graph/value.ts";
import { countsTokens } from "../loss/index.ts";
import { isRewardModel } from "../model/families.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { AdamW } from "../optim/adamw.ts";
import { adamScalars, learningRateAt } from "../optim/settings.ts";
import { ofTokensName, shareNames } from "./graphs.ts";
import { inputsOf } from "./inputs.ts";
import { isKept } from "./kept.ts";
import type { RowsAtOnce } from "./kept.ts";
import type { Feeds } from "./lane-thread.ts";
import { layOut, trainedTokens } from "./layout.ts";
import type { LaidRow, Layout } from "./layout.ts";
import { learnerOf } from "./learner.ts";
import type { Learner } from "./learner.ts";
import { termsOf, usesReference } from "./loss-inputs.ts";
import { Lanes } from "./lanes.ts";
import {
  cut,
  defaultMicroBatch,
  isSumOfShares,
  joinedValues,
  lanesFor,
  sharesOf,
  tokensOf,
} from "./micro-batch.ts";
import { ParameterState } from "./parameter-state.ts";
import { answersDigest, isOf } from "./given-reference.ts";
import { referenceLogps } from "./reference.ts";
import { sessionOptions } from "./open-session.ts";
import { digestRows, rowLength, rowTokens, usableRows } from "./rows.ts";
import type { TrainOptions, TrainResult } from "./options.ts";
import type { Source, StepRecord, TrainerState, TrainRow } from "./types.ts";
import { Workshop } from "./workshop.ts";

const loaded = <T>(source: Source<T>): Promise<T> | T =>
  typeof source === "function" ? (source as () => Promise<T>)() : source;

function checkOptions({ task, optimizer, adapter }: TrainOptions, start: ModelConfig): void {
  if (adapter && task.kind === "reward")
    throw new RatchetError(
      "spec_unsupported",
      "training of kind reward has a new head, which an adapter does not hold",
    );
  if (isRewardModel(start) !== (task.kind === "reward")) {
    throw new RatchetError(
      "spec_unsupported",
      `training of kind ${task.kind} starts from a ${task.kind === "reward" ? "reward model" : "policy"}, not from ${start.architecture}`,
    );
  }
  if (optimizer.maxLength > start.maxPositions) {
    throw new RatchetError(
      "spec_invalid",
      `maxLength ${optimizer.maxLength} exceeds the ${start.maxPositions} positions of the model`,
    );
  }
  const { batch, microBatch = batch } = optimizer;
  if (microBatch < batch && !isSumOfShares(task)) {
    throw new RatchetError(
      "spec_unsupported",
      `microBatch ${microBatch} of batch ${batch}: this loss of kind ${task.kind} compares the rows of a batch and needs it whole`,
      { hint: "leave microBatch out, or choose a smaller batch" },
    );
  }
  if (task.kind === "reward" && optimizer.truncation)
    throw new RatchetError(
      "spec_invalid",
      `truncation ${optimizer.truncation} cuts off the token at which a reward is read`,
    );
}

function identityOf(
  { task, optimizer, adapter }: TrainOptions,
  config: ModelConfig,
  rows: readonly TrainRow[],
): string {
  return createHash("sha256")
    .update(JSON.stringify({ task, optimizer, config, adapter: adapter?.settings, rows: digestRows(rows) }))
    .digest("hex");
}

/** Means over the last tenth of the steps, at least one. */
function finalMeans(curve: readonly StepRecord[]): Record<string, number> {
  const tail = curve.slice(-Math.max(1, Math.floor(curve.length / 10)));
  const names = new Set(tail.flatMap((record) => Object.keys(record)));
  for (const counter of ["step", "epoch", "num_tokens"]) names.delete(counter);
  const meanOf = (name: string): number => {
    const values = tail.flatMap((record) => record[name] ?? []);
    return values.reduce((total, value) => total + value, 0) / values.length;
  };
  return Object.fromEntries([...names].map((name) => [name, meanOf(name)]));
}

/** What a run begins with. */
type RunOptions = TrainOptions & { workshop: Workshop };

interface RunParts {
  config: ModelConfig;
  layout: Layout;
  identity: string;
  learner: Learner;
  state: ParameterState;
  reference: readonly number[];
  curve: readonly StepRecord[];
  atOnce: RowsAtOnce;
  adamw: AdamW;
}

/** An adapter's base is too large to be copied: it has one lane. */
function rowsAtOnce(
  { task, optimizer, adapter, threads }: TrainOptions,
  config: ModelConfig,
  rows: readonly LaidRow[],
): RowsAtOnce {
  const microBatch = optimizer.microBatch ?? defaultMicroBatch(config, task, optimizer);
  return {
    microBatch,
    lanes: adapter ? 1 : lanesFor(config, task, { ...optimizer, microBatch }, threads),
    longest: Math.max(...rows.map(rowLength)),
  };
}

/** One run of training: what stays the same over its steps. */
class Run {
  private readonly options: RunOptions;
  private readonly config: ModelConfig;
  private readonly layout: Layout;
  private readonly identity: string;
  private readonly microBatch: number;
  private readonly hasTokenPart: boolean;
  private readonly lanes: Lanes;
  private readonly adamw: AdamW;
  private readonly learner: Learner;
  private readonly state: ParameterState;
  private readonly reference: readonly number[];
  readonly curve: StepRecord[];
  /** Whether its workshop is kept for the next one. */
  readonly isKept: boolean;
  private savedAt = performance.now();
  private saveCostMs = 0;

  private constructor(options: RunOptions, parts: RunParts) {
    const { config, layout, identity, learner, state, reference, curve, atOnce, adamw } = parts;
    const { workshop, task, adapter, threads } = options;
    const { lanes, longest } = atOnce;
    this.options = options;
    this.config = config;
    this.layout = layout;
    this.identity = identity;
    this.microBatch = atOnce.microBatch;
    this.hasTokenPart = task.kind === "dpo" && countsTokens(termsOf(task));
    const settings = {
      task,
      config,
      adapter: adapter?.settings,
      threads: Math.max(1, Math.floor(threads / lanes)),
      tables: { ...rotaryTables(config, longest) },
    };
    this.lanes = new Lanes(workshop, state, learner.frozen, lanes, settings);
    this.adamw = adamw;
    this.reference = reference;
    this.learner = learner;
    this.state = state;
    this.curve = [...curve];
    this.isKept = isKept(config, task, atOnce);
  }

  /** Models and states that are read here are let go here. */
  static async open(options: RunOptions, rows: readonly TrainRow[], start: Checkpoint): Promise<Run> {
    const { config } = start;
    const identity = identityOf(options, config, rows);
    const { workshop, task, adapter, optimizer, threads } = options;
    const resume = options.resume && (await loaded(options.resume));
    if (resume && resume.identity !== identity) {
      throw new RatchetError(
        "resume_mismatch",
        `the checkpoint of step ${resume.step} belongs to other rows, settings or another model (${resume.identity.slice(0, 12)}, now ${identity.slice(0, 12)})`,
      );
    }
    const learner = learnerOf(start, adapter);
    const layout = layOut(options, rows);
    const atOnce = rowsAtOnce(options, config, layout.rows);
    const reference = resume?.referenceLogps ?? (await Run.referenceOf(options, start, learner, layout.rows));
    // What the reference took, and the training before, is needed for this one's arrays.
    if (!isKept(config, task, atOnce)) await workshop.close();
    const state = new ParameterState(
      learner.parameters,
      resume?.weights ?? (adapter ?? start).weights,
      resume && { first: resume.firstMoments, second: resume.secondMoments },
    );
    return new Run(options, {
      config,
      layout,
      identity,
      learner,
      state,
      reference,
      curve: resume?.curve ?? [],
      atOnce,
      adamw: await AdamW.create(optimizer, workshop.sessions, sessionOptions(threads, config)),
    });
  }

  /** Once per run, before step 1: they never change. The reference of an adapter is, unless another is given, the model without it. */
  private static async referenceOf(
    options: RunOptions,
    start: Checkpoint,
    learner: Learner,
    rows: readonly LaidRow[],
  ): Promise<readonly number[]> {
    const {
      task,
      start: source,
      adapter,
      reference,
      referenceLogps: given,
      onReference,
      onReferenceBatch: onBatch,
      workshop,
      threads,
      signal,
    } = options;
    if (!usesReference(task)) return [];
    if (!reference && !adapter) throw new RatchetError("unreachable_state", `${task.kind} needs a reference`);
    const of = answersDigest(task, rows);
    if (given && isOf(of, rows, given)) return given.logps;
    const model = reference === undefined || reference === source ? start : await loaded(reference);
    const logps = await referenceLogps(
      workshop,
      task,
      model === start && adapter ? { config: model.config, loaded: learner.frozen } : model,
      rows,
      threads,
      { signal, onBatch },
    );
    onReference?.({ of, logps });
    return logps;
  }

  get steps(): number {
    return this.layout.plan.length;
  }

  /** Steps taken so far. */
  get step(): number {
    return this.curve.length;
  }

  private feedsOf(batch: readonly number[]): Feeds {
    const { task } = this.options;
    const inputs = inputsOf(
      task,
      this.config,
      batch.map((row) => this.layout.rows[row] as LaidRow),
    );
    if (!usesReference(task)) return inputs;
    const reference = Float32Array.from(
      [...batch.map((row) => row * 2), ...batch.map((row) => row * 2 + 1)],
      (place) => this.reference[place] as number,
    );
    return { ...inputs, reference: { dtype: "float32", shape: [reference.length], data: reference } };
  }

  /** Loss and metrics of a step; the gradients are left in the state. Micro-batches count by what the loss is a mean over. */
  private async gradients(batch: readonly number[]): Promise<Record<string, number>> {
    const { task } = this.options;
    const parts = cut(batch, this.microBatch).map((rows) => {
      const feeds = this.feedsOf(rows);
      return { feeds, weight: task.kind === "sft" ? (feeds["index"] as Tensor).data.length : rows.length };
    });
    const shares = sharesOf(parts.map(({ weight }) => weight));
    const sharesFor = (metric: string): number[] =>
      sharesOf(
        parts.map(
          ({ feeds, weight }) =>
            tokensOf(metric, feeds["answerTokens"]?.data as Float32Array | undefined) ?? weight,
        ),
      );
    const [tokens, scalar] = [
      sharesFor(ofTokensName),
      (value = 0): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) }),
    ];
    const counted = parts.map(({ feeds }, part) => ({
      ...feeds,
      [shareNames.rows]: scalar(shares[part]),
      ...(this.hasTokenPart ? { [shareNames.tokens]: scalar(tokens[part]) } : {}),
    }));
    return joinedValues(await this.lanes.run(counted), shares, sharesFor);
  }

  async advance(): Promise<void> {
    const { optimizer, onStep } = this.options;
    const step = this.step + 1;
    const batch = this.layout.plan[step - 1] as readonly number[];
    const learningRate = learningRateAt(optimizer, step, this.steps);
    const values = await this.gradients(batch).catch((error: unknown) =>
      Promise.reject(this.atStep(error, step)),
    );
    const norm = await this.adamw.norm(this.state.arrays);
    if (!Number.isFinite(values["loss"]) || !Number.isFinite(norm)) {
      throw new RatchetError(
        "loss_not_finite",
        `step ${step} gave loss ${values["loss"]} and gradient norm ${norm} on rows ${this.layout.given[step - 1]?.join(", ")}`,
        { hint: "a lower learning rate or stronger clipping often helps" },
      );
    }
    this.adamw.step(this.state.arrays, norm, adamScalars(optimizer, step, learningRate));
    const rows = batch.map((row) => this.layout.rows[row] as LaidRow);
    const trained = rows.reduce(
      (total, row) => total + trainedTokens(row),
      this.curve.at(-1)?.["num_tokens"] ?? 0,
    );
    // A mean over no answer, as of the desirable ones of a batch that has none, is left out.
    const known = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
    const counters = {
      learning_rate: learningRate,
      epoch: (step / this.steps) * optimizer.epochs,
      num_tokens: trained,
    };
    // Who shows a few values shows the first ones.
    const record: StepRecord = {
      step,
      loss: values["loss"] as number,
      grad_norm: norm,
      ...Object.fromEntries(known),
      ...counters,
    };
    this.curve.push(record);
    onStep?.({
      step,
      steps: this.steps,
      tokens: rows.reduce((total, row) => total + rowTokens(row), 0),
      record,
    });
  }

  /** The same failure with the step and the rows at which it happened. */
  private atStep(error: unknown, step: number): unknown {
    const named = nameMemory(
      error,
      `step ${step} on rows ${this.layout.given[step - 1]?.join(", ")}, ${this.microBatch} at once`,
    );
    if (!(named instanceof RatchetError) || named.kind !== "resource") return named;
    return new RatchetError(named.code, named.message, {
      cause: named.cause,
      hint: "a smaller microBatch or maxLength needs less memory",
    });
  }

  async save(): Promise<void> {
    const { first, second } = this.state.moments();
    const startedAt = performance.now();
    const state: TrainerState = {
      step: this.step,
      identity: this.identity,
      weights: this.state.weights(),
      firstMoments: first,
      secondMoments: second,
      curve: [...this.curve],
      referenceLogps: [...this.reference],
    };
    await this.options.checkpoint?.save(state);
    this.savedAt = performance.now();
    this.saveCostMs = this.savedAt - startedAt;
  }

  /** Whether a checkpoint is due; none after the last step, when the result itself is at hand. */
  saveDue(): boolean {
    const { everySteps = 0, everySeconds = 0, costMax = 1 } = this.options.checkpoint ?? {};
    const sinceMs = performance.now() - this.savedAt;
    // Of the time from one save to the end of the next, the share of the save is at most costMax.
    if (this.step === this.steps || this.saveCostMs > costMax * (sinceMs + this.saveCostMs)) return false;
    return (
      (everySteps > 0 && this.step % everySteps === 0) || (everySeconds > 0 && sinceMs >= everySeconds * 1000)
    );
  }

  result(): Pick<TrainResult, "checkpoint" | "adapter"> {
    return this.learner.result(this.state.weights());
  }
}

/** The run at its first step. In a function of its own, so that nothing of the models that it read outlives it. */
async function opened(options: RunOptions): Promise<{ run: Run } & Pick<TrainResult, "dropped" | "cut">> {
  const start = await loaded(options.start);
  checkOptions(options, start.config);
  const { used, dropped, cut } = usableRows(options.rows, options.optimizer);
  return { run: await Run.open(options, used, start), dropped, cut };
}

async function trained(options: RunOptions): Promise<{ result: TrainResult; isKept: boolean }> {
  const { run, dropped, cut } = await opened(options);
  while (run.step < run.steps) {
    if (options.signal?.aborted) {
      await run.save();
      options.signal.throwIfAborted();
    }
    await run.advance();
    if (run.saveDue()) await run.save();
    // A step blocks the event loop; messages and timers get their turn here.
    await setImmediate();
  }
  return {
    result: {
      ...run.result(),
      steps: run.steps,
      curve: run.curve,
      metrics: finalMeans(run.curve),
      dropped,
      cut,
    },
    isKept: run.isKept,
  };
}

/** Trains to the end of the plan, from the start or from `resume`. Rows, settings and seed decide every bit of the result. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const workshop = options.workshop ?? new Workshop();
  try {
    const { result, isKept } = await trained({ ...options, workshop });
    await (options.workshop && isKept ? workshop.tidy() : workshop.close());
    return result;
  } catch (error) {
    // Sessions that failed, or that another lane is still at, are no place to begin.
    await workshop.close();
    throw error;
  }
}
