// The rows of a training laid out in steps.
import type { OptimizerSettings } from "../optim/settings.ts";
import { planBatches } from "./batches.ts";
import type { LabelledRow, PairRow, TrainRow, TrainTask } from "./types.ts";

/** A labelled answer (`chosen`), and in the place of a rejected one an answer that belongs to another prompt. */
export interface JudgedRow extends PairRow {
  desirable: boolean;
}

export type LaidRow = Exclude<TrainRow, LabelledRow> | JudgedRow;

/** Tokens that count as trained on, prompts of both answers included; the mismatched ones of KTO do not. */
export function trainedTokens(row: LaidRow): number {
  if (!("chosen" in row)) return row.ids.length;
  return row.chosen.ids.length + ("desirable" in row ? 0 : row.rejected.ids.length);
}

export interface Layout {
  rows: readonly LaidRow[];
  /** Places in `rows` of every step. */
  plan: readonly (readonly number[])[];
  /** Numbers of the given rows that each step takes. */
  given: readonly (readonly number[])[];
}

/** KTO measures how far the policy has moved on answers behind a prompt that is not theirs: each prompt with the answer of the row before. */
function judged(rows: readonly LabelledRow[], maxLength: number): JudgedRow[] {
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

/** Of KTO the batch decides what is mismatched, so every step has rows of its own. */
export function layOut(
  { task, optimizer }: { task: TrainTask; optimizer: OptimizerSettings },
  rows: readonly TrainRow[],
): Layout {
  const given = planBatches(rows.length, optimizer);
  if (task.kind !== "kto") return { rows: rows as readonly LaidRow[], plan: given, given };
  const laid = given.flatMap((batch) =>
    judged(
      batch.map((row) => rows[row] as LabelledRow),
      optimizer.maxLength,
    ),
  );
  let next = 0;
  return { rows: laid, plan: given.map((batch) => batch.map(() => next++)), given };
}
