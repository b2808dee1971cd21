// Log-probabilities of a training's answers under its reference. The reference never changes, so they are
// computed once, before step 1, or taken from another training with the same answers and the same reference.
import { createHash } from "node:crypto";
import { RatchetError } from "../../errors/index.ts";
import type { Checkpoint } from "../model/types.ts";
import type { BatchRow } from "./batches.ts";
import { tokenWeights } from "./graph-inputs.ts";
import { propertiesOf } from "./graphs.ts";
import { REFERENCE_BATCH_TOKENS } from "./micro-batch.ts";
import type { TrainOptions } from "./options.ts";
import { referencePass } from "./passes.ts";
import type { BatchLogps, PassHooks, Reference } from "./passes.ts";
import { digestRows, rowTokens } from "./rows.ts";
import type { SessionPool } from "./session-pool.ts";
import type { TrainableParameters } from "./trainable-parameters.ts";
import type { PairRow, ReferenceLogps, Source, TrainTask } from "./types.ts";
import type { WorkerThread } from "./worker-thread.ts";

export const loaded = <T>(source: Source<T>): Promise<T> | T =>
  typeof source === "function" ? (source as () => Promise<T>)() : source;

/**
 * The log-probabilities that the loss needs; empty if it uses no reference. The default reference of an
 * adapter is the model without it.
 */
export async function referenceFor(
  options: TrainOptions & { pool: SessionPool },
  start: Checkpoint,
  { frozen }: TrainableParameters,
  rows: readonly BatchRow[],
): Promise<readonly number[]> {
  const { task, adapter, reference, referenceLogps: given, pool, threads, signal } = options;
  if (!propertiesOf(task).reference) return [];
  if (!reference && !adapter) throw new RatchetError("unreachable_state", `${task.kind} needs a reference`);
  const of = answersDigest(task, rows);
  if (given && isOf(of, rows, given)) return given.logps;
  const model = reference === undefined || reference === options.start ? start : await loaded(reference);
  const logps = await referenceLogps(
    pool,
    task,
    model === start && adapter ? { config: model.config, loaded: frozen } : model,
    rows,
    threads,
    { signal, onBatch: options.onReferenceBatch },
  );
  options.onReference?.({ of, logps });
  return logps;
}

/**
 * Digest of everything that decides the log-probabilities but the reference: the answers in order, and the
 * weights of their tokens.
 */
function answersDigest(task: TrainTask, rows: readonly BatchRow[]): string {
  const ldAlpha = task.kind === "dpo" ? task.ldAlpha : undefined;
  return createHash("sha256")
    .update(JSON.stringify({ ldAlpha, rows: digestRows(rows) }))
    .digest("hex");
}

/** Whether given log-probabilities belong to these answers, with a finite number for each. */
function isOf(answers: string, rows: readonly BatchRow[], { of, logps }: ReferenceLogps): boolean {
  return of === answers && logps.length === 2 * rows.length && logps.every(Number.isFinite);
}

/** Largest model in bytes that a second worker copies. The copy exists twice while it arrives. */
const COPIED_BYTES_MAX = 6e8;

/**
 * Consecutive rows, cut by the number of their tokens. The batches follow from the rows alone, so threads
 * change no bit.
 */
function batchesOf(rows: readonly BatchRow[]): BatchRow[][] {
  const batches: BatchRow[][] = [];
  let tokens = Infinity;
  for (const row of rows) {
    tokens += rowTokens(row);
    if (tokens > REFERENCE_BATCH_TOKENS) {
      batches.push([]);
      tokens = rowTokens(row);
    }
    batches.at(-1)?.push(row);
  }
  return batches;
}

/**
 * Sums over the tokens of each answer, in double precision; for each row, its first answer then its second.
 * After a failure the caller closes the pool, because a worker may still be computing.
 */
export async function referenceLogps(
  pool: SessionPool,
  task: TrainTask,
  reference: Reference,
  rows: readonly BatchRow[],
  threads: number,
  hooks: PassHooks = {},
): Promise<number[]> {
  const logps = (await onWorkers(pool, reference, batchesOf(rows), threads, hooks)).flat();
  return logps.map((tokens, answer) => {
    const weightOf =
      task.kind === "dpo" && task.ldAlpha !== undefined
        ? tokenWeights(rows[Math.floor(answer / 2)] as PairRow, task.ldAlpha)
        : () => 1;
    return tokens.reduce((sum, logp, token) => sum + weightOf(token) * logp, 0);
  });
}

/**
 * A second worker computes every second batch, because two threads that share every operation wait longer for
 * each other.
 */
async function onWorkers(
  pool: SessionPool,
  reference: Reference,
  batches: readonly BatchRow[][],
  threads: number,
  { signal, onBatch }: PassHooks,
): Promise<BatchLogps[]> {
  const { sessions } = pool;
  if (!isCopied(reference) || threads < 2 || batches.length < 2)
    return referencePass(sessions, reference, batches, threads, { signal, onBatch });
  const [even, odd] = [0, 1].map((parity) => batches.filter((_, batch) => batch % 2 === parity)) as [
    BatchRow[][],
    BatchRow[][],
  ];
  const [worker] = pool.threads(1) as [WorkerThread];
  const args = { model: reference, batches: odd, threads: Math.floor(threads / 2) };
  const theirs = worker.ask("reference", args);
  const failed = new AbortController();
  theirs.catch((error: unknown) => failed.abort(error));
  const own = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const mine = await referencePass(sessions, reference, even, Math.ceil(threads / 2), {
    signal: own,
    onBatch,
  });
  const others = await theirs;
  return batches.map((_, batch) => (batch % 2 === 0 ? mine : others)[batch >> 1] as BatchLogps);
}

const isCopied = (reference: Reference): reference is Checkpoint =>
  !("loaded" in reference) &&
  [...reference.weights.values()].reduce((bytes, { data }) => bytes + data.byteLength, 0) <= COPIED_BYTES_MAX;
