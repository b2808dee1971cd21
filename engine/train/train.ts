// The training loop: open the run, take its steps, save checkpoints between them. It knows nothing of files,
// processes or durability. From a state that it gave to the caller it resumes with the same bits.
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { AdamW } from "../optim/adamw.ts";
import { batchPlan } from "./batches.ts";
import type { BatchRow } from "./batches.ts";
import { defaultMicroBatch, workersFor } from "./micro-batch.ts";
import type { BatchSizes } from "./micro-batch.ts";
import { checkOptions } from "./options.ts";
import type { TrainOptions, TrainResult } from "./options.ts";
import { sessionOptions } from "./passes.ts";
import { loaded, referenceFor } from "./reference.ts";
import { digestRows, rowLength, usableRows } from "./rows.ts";
import { Run } from "./run.ts";
import type { RunOptions } from "./run.ts";
import { isCached, SessionPool } from "./session-pool.ts";
import { ParameterState, trainableParameters } from "./trainable-parameters.ts";
import type { StepRecord, TrainerState, TrainRow } from "./types.ts";

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

/** With an adapter there is one worker, because a copy of the base would be too large. */
function sizesOf(
  { task, optimizer, adapter, threads }: TrainOptions,
  config: ModelConfig,
  rows: readonly BatchRow[],
): BatchSizes {
  const microBatch = optimizer.microBatch ?? defaultMicroBatch(config, task, optimizer);
  return {
    microBatch,
    workers: adapter ? 1 : workersFor(config, task, { ...optimizer, microBatch }, threads),
    longest: Math.max(...rows.map(rowLength)),
  };
}

/** The state to resume from; throws if it belongs to another training. */
async function resumed(options: TrainOptions, identity: string): Promise<TrainerState | undefined> {
  const resume = options.resume && (await loaded(options.resume));
  if (resume && resume.identity !== identity) {
    const [saved, now] = [resume.identity, identity].map((digest) => digest.slice(0, 12));
    throw new RatchetError(
      "resume_mismatch",
      `the checkpoint of step ${resume.step} has other rows or settings or model (${saved}, now ${now})`,
    );
  }
  return resume;
}

/** Releases the models and states that it loads. */
async function openRun(options: RunOptions, rows: readonly TrainRow[], start: Checkpoint): Promise<Run> {
  const { config } = start;
  const { pool, task, adapter, optimizer, threads } = options;
  const identity = identityOf(options, config, rows);
  const resume = await resumed(options, identity);
  const trainable = trainableParameters(start, adapter);
  const plan = batchPlan(options, rows);
  const sizes = sizesOf(options, config, plan.rows);
  const reference = resume?.referenceLogps ?? (await referenceFor(options, start, trainable, plan.rows));
  // Before the arrays are made: they need the memory that the reference and the previous training used.
  if (!isCached(config, task, sizes)) await pool.close();
  const state = new ParameterState(
    trainable.parameters,
    resume?.weights ?? (adapter ?? start).weights,
    resume && { first: resume.firstMoments, second: resume.secondMoments },
  );
  const adamw = await AdamW.create(optimizer, pool.sessions, sessionOptions(threads, config));
  const curve = resume?.curve ?? [];
  return new Run(options, { config, plan, identity, trainable, state, reference, curve, sizes, adamw });
}

/** A function of its own, so that nothing keeps the models that it loads in memory. */
async function opened(options: RunOptions): Promise<{ run: Run } & Pick<TrainResult, "dropped" | "cut">> {
  const start = await loaded(options.start);
  checkOptions(options, start.config);
  const { used, dropped, cut } = usableRows(options.rows, options.optimizer);
  return { run: await openRun(options, used, start), dropped, cut };
}

async function trained(options: RunOptions): Promise<{ result: TrainResult; isCached: boolean }> {
  const { run, dropped, cut } = await opened(options);
  while (run.step < run.steps) {
    if (options.signal?.aborted) {
      await run.save();
      options.signal.throwIfAborted();
    }
    await run.advance();
    if (run.saveDue()) await run.save();
    // A step blocks the event loop; this lets it handle messages and timers.
    await setImmediate();
  }
  const { steps, curve } = run;
  const result = { ...run.result(), steps, curve, metrics: finalMeans(curve), dropped, cut };
  return { result, isCached: run.isCached };
}

/**
 * Trains all steps, from the start or from `resume`. Rows, settings and seed decide every bit of the result.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const pool = options.pool ?? new SessionPool();
  try {
    const { result, isCached: keepOpen } = await trained({ ...options, pool });
    await (options.pool && keepOpen ? pool.closeUnused() : pool.close());
    return result;
  } catch (error) {
    // After a failure a session may be broken, or a worker may still use it.
    await pool.close();
    throw error;
  }
}
