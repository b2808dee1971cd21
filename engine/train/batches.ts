// The batch of every step: a pure function of the number of rows, the batch size, the epochs and the seed, so
// a step number is a position in the data. Each epoch is shuffled with its own random numbers, then cut into
// batches. Batches are not sorted by length: that would save padding, but batches of one length learned worse
// (docs/log.md).
import type { OptimizerSettings } from "../optim/settings.ts";
import { permutation, Random } from "../random.ts";
import type { LabelledRow, PairRow, TrainRow, TrainTask } from "./types.ts";

export interface PlanSettings {
  batch: number;
  epochs: number;
  seed: string;
}

function epochBatches(rows: number, { batch, seed }: PlanSettings, epoch: number): number[][] {
  const order = permutation(rows, new Random(seed, epoch));
  return Array.from({ length: Math.ceil(rows / batch) }, (_, index) =>
    Array.from(order.slice(index * batch, (index + 1) * batch)),
  );
}

/** Row numbers of every step, step 1 first. The last batch of an epoch may be smaller. */
export function planBatches(rows: number, settings: PlanSettings): number[][] {
  return Array.from({ length: settings.epochs }, (_, epoch) => epochBatches(rows, settings, epoch)).flat();
}

/**
 * A row of KTO: a labelled answer (`chosen`) and, as `rejected`, an answer that belongs to another prompt.
 */
export interface KtoRow extends PairRow {
  desirable: boolean;
}

/** A row as a batch holds it. */
export type BatchRow = Exclude<TrainRow, LabelledRow> | KtoRow;

export interface BatchPlan {
  rows: readonly BatchRow[];
  /** Indices into `rows`, per step. */
  steps: readonly (readonly number[])[];
  /** Indices of the caller's rows, per step: error messages name them. */
  given: readonly (readonly number[])[];
}

/**
 * KTO measures how far the policy has moved on mismatched answers: each prompt is paired with the answer of
 * the previous row.
 */
function mismatched(rows: readonly LabelledRow[], maxLength: number): KtoRow[] {
  return rows.map((row, index) => {
    const other = rows.at(index - 1) as LabelledRow;
    const ids = [...row.ids.slice(0, row.promptLength), ...other.ids.slice(other.promptLength)];
    return {
      chosen: row,
      rejected: { ids: ids.slice(0, maxLength), promptLength: row.promptLength },
      desirable: row.desirable,
    };
  });
}

/**
 * The batches of a training. In KTO the batch decides the mismatched answers, so every step has rows of its
 * own.
 */
export function batchPlan(
  { task, optimizer }: { task: TrainTask; optimizer: OptimizerSettings },
  rows: readonly TrainRow[],
): BatchPlan {
  const given = planBatches(rows.length, optimizer);
  if (task.kind !== "kto") return { rows: rows as readonly BatchRow[], steps: given, given };
  const ktoRows = given.flatMap((batch) =>
    mismatched(
      batch.map((row) => rows[row] as LabelledRow),
      optimizer.maxLength,
    ),
  );
  let next = 0;
  return { rows: ktoRows, steps: given.map((batch) => batch.map(() => next++)), given };
}

/**
 * Number of tokens that count as trained on. Both answers' prompts count; KTO's mismatched answers do not.
 */
export function trainedTokens(row: BatchRow): number {
  if (!("chosen" in row)) return row.ids.length;
  return row.chosen.ids.length + ("desirable" in row ? 0 : row.rejected.ids.length);
}
