// Rows before they become batches: which of them are used, and the digest by which two trainings know that
// they have the same ones.
import { createHash } from "node:crypto";
import { RatchetError } from "../../errors/index.ts";
import type { Sequence } from "../model/encode.ts";
import type { BatchRow } from "./batches.ts";
import type { TrainRow } from "./types.ts";

/** The sequences of a row: one, or chosen and rejected. */
export function sequencesOf(row: TrainRow | BatchRow): readonly Sequence[] {
  return "chosen" in row ? [row.chosen, row.rejected] : [row];
}

/** Length of the longest sequence of a row. */
export function rowLength(row: TrainRow | BatchRow): number {
  return Math.max(...sequencesOf(row).map((sequence) => sequence.ids.length));
}

/** Number of tokens in all sequences of a row. */
export function rowTokens(row: TrainRow | BatchRow): number {
  return sequencesOf(row).reduce((total, sequence) => total + sequence.ids.length, 0);
}

const hasPrompt = (sequence: Sequence): boolean => sequence.promptLength > 0;

/** Whether a token is predicted. The first token of a sequence never is. */
function hasAnswer({ ids, promptLength, lossMask }: Sequence): boolean {
  return lossMask ? lossMask.some((read, position) => read && position > 0) : ids.length > promptLength;
}

export interface UsableRows {
  used: TrainRow[];
  /** Number of rows that were left out, by reason. */
  dropped: Record<string, number>;
  /** Number of used rows that lost their end. */
  cut: number;
}

interface LengthLimit {
  maxLength: number;
  truncation?: "keep_start" | undefined;
}

/** The row as training uses it, or why it is left out. */
export function useOfRow(
  row: TrainRow,
  { maxLength, truncation }: LengthLimit,
): { row: TrainRow; cut: boolean } | { dropped: string } {
  const long = rowLength(row) > maxLength;
  const candidate = long && truncation === "keep_start" ? cutRow(row, maxLength) : row;
  const reason = whyUnusable(candidate, maxLength, long);
  return reason === undefined ? { row: candidate, cut: long } : { dropped: reason };
}

/**
 * The rows that can be trained on. A row longer than `maxLength` is left out, because a cut answer teaches
 * the model to never stop. With `keep_start` it is cut, as TRL does, and left out only if nothing of the
 * answer remains.
 */
export function usableRows(rows: readonly TrainRow[], limit: LengthLimit): UsableRows {
  const used: TrainRow[] = [];
  const dropped: Record<string, number> = {};
  let cut = 0;
  for (const row of rows) {
    const use = useOfRow(row, limit);
    if ("dropped" in use) dropped[use.dropped] = (dropped[use.dropped] ?? 0) + 1;
    else {
      used.push(use.row);
      if (use.cut) cut++;
    }
  }
  if (used.length === 0) {
    const why = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
    throw new RatchetError(
      "rows_empty",
      `no row is left to train on (${rows.length} given; ${why.join(", ") || "none dropped"})`,
      { hint: `the longest row allowed has ${limit.maxLength} tokens (maxLength)` },
    );
  }
  return { used, dropped, cut };
}

function whyUnusable(row: TrainRow, maxLength: number, wasLong: boolean): string | undefined {
  if (rowLength(row) > maxLength) return "too_long";
  if (!sequencesOf(row).every(hasPrompt)) return "empty_prompt";
  if (!sequencesOf(row).every(hasAnswer)) return wasLong ? "prompt_too_long" : "empty_answer";
  return undefined;
}

function cutRow(row: TrainRow, maxLength: number): TrainRow {
  const cut = <S extends Sequence>(sequence: S): S => ({
    ...sequence,
    ids: sequence.ids.slice(0, maxLength),
    ...(sequence.lossMask && { lossMask: sequence.lossMask.slice(0, maxLength) }),
  });
  return "chosen" in row ? { ...row, chosen: cut(row.chosen), rejected: cut(row.rejected) } : cut(row);
}

/** A digest of all ids, prompt lengths, masks, margins and labels, in order. */
export function digestRows(rows: readonly (TrainRow | BatchRow)[]): string {
  const hash = createHash("sha256");
  for (const row of rows) {
    for (const { ids, promptLength, lossMask } of sequencesOf(row)) {
      hash.update(Int32Array.of(ids.length, promptLength, ...ids));
      if (lossMask) hash.update(Uint8Array.from(lossMask, Number));
    }
    if ("desirable" in row) hash.update(row.desirable ? "+" : "-");
    if ("margin" in row) hash.update(String(row.margin));
  }
  return hash.digest("hex");
}
