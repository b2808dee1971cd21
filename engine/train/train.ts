// The training loop: plan the batches, run one graph per step, keep the curve, hand out checkpoints. It knows nothing of files,
// processes or durability; a state that it handed out lets it go on with the same bits.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { InvariantError, SpecError, TrainingError } from "../errors.ts";
import { Session, toOrt } from "../graph/session.ts";
import type { SessionOptions } from "../graph/session.ts";
import { encodeForLogps, encodeForRewards } from "../model/encode.ts";
import type { Encoded, Sequence } from "../model/encode.ts";
import { isRewardModel } from "../model/families.ts";
import { rotaryTables } from "../model/rotary.ts";
import { adamScalars, learningRateAt } from "../optim/settings.ts";
import { SequenceScorer } from "../score/scorer.ts";
import { loadWeights } from "../score/weights.ts";
import { planBatches } from "./batches.ts";
import { stepGraph } from "./graphs.ts";
import { learnerOf } from "./learner.ts";
import type { Learner } from "./learner.ts";
import { ParameterState } from "./parameter-state.ts";
import { digestRows, rowLength, rowTokens, sequencesOf, usableRows } from "./rows.ts";
import type { StepRecord, TrainerState, TrainOptions, TrainResult, TrainRow, TrainTask } from "./types.ts";

const scalar = (value: number): OrtTensor => toOrt({ dtype: "float32", shape: [], data: Float32Array.of(value) });

/** Without spinning: on cores shared with other processes it doubled the time of a step on two threads. */
const sessionOptions = (threads: number): SessionOptions => ({ threads, spinning: false });

function checkOptions({ task, start, optimizer, adapter }: TrainOptions): void {
  if (adapter && task.kind === "reward") throw new SpecError("spec_unsupported", "training of kind reward has a new head, which an adapter does not hold");
  if (isRewardModel(start.config) !== (task.kind === "reward")) {
    throw new SpecError("spec_unsupported", `training of kind ${task.kind} starts from a ${task.kind === "reward" ? "reward model" : "policy"}, not from ${start.config.architecture}`);
  }
  if (optimizer.maxLength > start.config.maxPositions) {
    throw new SpecError("spec_invalid", `maxLength ${optimizer.maxLength} exceeds the ${start.config.maxPositions} positions of the model`);
  }
  if (task.kind === "reward" && optimizer.truncation) throw new SpecError("spec_invalid", `truncation ${optimizer.truncation} cuts off the token at which a reward is read`);
}

/** Rows in one order: of pairs, all chosen answers come before all rejected ones. */
function sequencesOfBatch(rows: readonly TrainRow[]): Sequence[] {
  const parts = rows.map(sequencesOf);
  return [...parts.map((part) => part[0]), ...parts.map((part) => part[1])].filter((sequence) => sequence !== undefined);
}

function encode(task: TrainTask, rows: readonly TrainRow[]): Encoded {
  const sequences = sequencesOfBatch(rows);
  if (task.kind === "reward") return encodeForRewards(sequences);
  const encoded = encodeForLogps(sequences, task.kind === "sft" && !task.promptMask);
  if (task.kind === "dpo") return encoded;
  const { rowOf: _, ...rest } = encoded;
  return rest;
}

function identityOf({ task, start, optimizer, adapter }: TrainOptions, rows: readonly TrainRow[]): string {
  return createHash("sha256").update(JSON.stringify({ task, optimizer, config: start.config, adapter: adapter?.settings, rows: digestRows(rows) })).digest("hex");
}

/** Means over the last tenth of the steps, at least one. */
function finalMeans(curve: readonly StepRecord[]): Record<string, number> {
  const tail = curve.slice(-Math.max(1, Math.floor(curve.length / 10)));
  const names = Object.keys(tail[0] ?? {}).filter((name) => name !== "step");
  return Object.fromEntries(names.map((name) => [name, tail.reduce((total, record) => total + (record[name] ?? 0), 0) / tail.length]));
}

/** One run of training: what stays the same over its steps. */
class Run {
  private readonly options: TrainOptions;
  private readonly rows: readonly TrainRow[];
  private readonly plan: readonly (readonly number[])[];
  private readonly identity: string;
  private readonly session: Session;
  private readonly learner: Learner;
  private readonly state: ParameterState;
  private readonly reference: readonly number[];
  private readonly fixed: Record<string, OrtTensor>;
  readonly curve: StepRecord[];
  private savedAt = Date.now();

  private constructor(options: TrainOptions, rows: readonly TrainRow[], identity: string, session: Session, learner: Learner, reference: readonly number[]) {
    const { start, resume, optimizer } = options;
    this.options = options;
    this.rows = rows;
    this.plan = planBatches(rows.length, optimizer);
    this.identity = identity;
    this.session = session;
    this.reference = reference;
    this.learner = learner;
    this.state = new ParameterState(learner.parameters, resume?.weights ?? learner.weights, resume && { first: resume.firstMoments, second: resume.secondMoments });
    const { cos, sin } = rotaryTables(start.config, Math.max(...rows.map(rowLength)));
    this.fixed = { ...learner.frozen, cos: toOrt(cos), sin: toOrt(sin) };
    this.curve = [...(resume?.curve ?? [])];
  }

  static async open(options: TrainOptions, rows: readonly TrainRow[]): Promise<Run> {
    const identity = identityOf(options, rows);
    const { resume, task, start, adapter, optimizer, threads } = options;
    if (resume && resume.identity !== identity) {
      throw new SpecError("resume_mismatch", `the checkpoint of step ${resume.step} belongs to other rows, settings or another model (${resume.identity.slice(0, 12)}, now ${identity.slice(0, 12)})`);
    }
    const learner = learnerOf(start, adapter);
    const reference = resume?.referenceLogps ?? (await Run.referenceOf(options, learner, rows));
    const session = await Session.create(stepGraph(task, start.config, optimizer, adapter?.settings), sessionOptions(threads));
    return new Run(options, rows, identity, session, learner, reference);
  }

  /** Once per run, before step 1: they never change. The reference of an adapter is, unless another is given, the model without it. */
  private static async referenceOf({ task, start, adapter, reference, threads, signal }: TrainOptions, learner: Learner, rows: readonly TrainRow[]): Promise<number[]> {
    if (task.kind !== "dpo") return [];
    if (!reference && !adapter) throw new InvariantError("unreachable_state", "dpo needs a reference");
    const scorer = await SequenceScorer.create((reference ?? start).config, sessionOptions(threads));
    try {
      return await scorer.logps(reference ? loadWeights(reference) : learner.frozen, rows.flatMap(sequencesOf), signal ? { signal } : {});
    } finally {
      await scorer.close();
    }
  }

  get steps(): number {
    return this.plan.length;
  }

  /** Steps taken so far. */
  get step(): number {
    return this.curve.length;
  }

  private batchFeeds(batch: readonly number[]): Record<string, OrtTensor> {
    const { task } = this.options;
    const encoded = encode(task, batch.map((row) => this.rows[row] as TrainRow));
    const feeds = Object.fromEntries(Object.entries(encoded).map(([name, tensor]) => [name, toOrt(tensor)]));
    if (task.kind !== "dpo") return feeds;
    const reference = Float32Array.from([...batch.map((row) => row * 2), ...batch.map((row) => row * 2 + 1)], (place) => this.reference[place] as number);
    return { ...feeds, reference: toOrt({ dtype: "float32", shape: [reference.length], data: reference }) };
  }

  async advance(): Promise<void> {
    const { optimizer, onStep } = this.options;
    const step = this.step + 1;
    const batch = this.plan[step - 1] as readonly number[];
    const learningRate = learningRateAt(optimizer, step, this.steps);
    const { rate, floor, keep } = adamScalars(optimizer, step, learningRate);
    const scalars = { rate: scalar(rate), floor: scalar(floor), keep: scalar(keep) };
    const into = this.state.into();
    const outputs = await this.session.raw({ ...this.fixed, ...this.state.feeds(), ...this.batchFeeds(batch), ...scalars }, into);
    const values = Object.entries(outputs).filter(([name]) => !(name in into));
    const record: StepRecord = { step, learning_rate: learningRate, ...Object.fromEntries(values.map(([name, tensor]) => [name, (tensor.data as Float32Array)[0] as number])) };
    if (!Number.isFinite(record["loss"]) || !Number.isFinite(record["grad_norm"])) {
      throw new TrainingError("loss_not_finite", `step ${step} gave loss ${record["loss"]} and gradient norm ${record["grad_norm"]} on rows ${batch.join(", ")}`, { hint: "a lower learning rate or stronger clipping often helps" });
    }
    this.state.advance();
    this.curve.push(record);
    onStep?.({ step, steps: this.steps, tokens: batch.reduce((total, row) => total + rowTokens(this.rows[row] as TrainRow), 0), record });
  }

  async save(): Promise<void> {
    const { first, second } = this.state.moments();
    this.savedAt = Date.now();
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
  }

  /** Whether a checkpoint is due; none after the last step, when the result itself is at hand. */
  saveDue(): boolean {
    const { everySteps = 0, everySeconds = 0 } = this.options.checkpoint ?? {};
    if (this.step === this.steps) return false;
    return (everySteps > 0 && this.step % everySteps === 0) || (everySeconds > 0 && Date.now() - this.savedAt >= everySeconds * 1000);
  }

  result(): Pick<TrainResult, "checkpoint" | "adapter"> {
    return this.learner.result(this.state.weights());
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

/** Trains to the end of the plan, from the start or from `resume`. Rows, settings and seed decide every bit of the result. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  checkOptions(options);
  const { used, dropped, cut } = usableRows(options.rows, options.optimizer);
  const run = await Run.open(options, used);
  try {
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
    return { ...run.result(), steps: run.steps, curve: run.curve, metrics: finalMeans(run.curve), dropped, cut };
  } finally {
    await run.close();
  }
}
