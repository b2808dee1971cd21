// Rows before they become batches: which ones are used, and the digest that tells whether two runs have the same ones.
import { createHash } from "node:crypto";
import { SpecError } from "../errors.ts";
import type { Sequence } from "../model/encode.ts";
import type { LaidRow } from "./layout.ts";
import type { TrainRow } from "./types.ts";

/** The sequences of a row: one, or chosen and rejected. */
export function sequencesOf(row: TrainRow | LaidRow): readonly Sequence[] {
  return "chosen" in row ? [row.chosen, row.rejected] : [row];
}

/** The longest sequence of a row, which decides how much it is padded. */
export function rowLength(row: TrainRow | LaidRow): number {
  return Math.max(...sequencesOf(row).map((sequence) => sequence.ids.length));
}

export function rowTokens(row: TrainRow | LaidRow): number {
  return sequencesOf(row).reduce((total, sequence) => total + sequence.ids.length, 0);
}

const hasPrompt = (sequence: Sequence): boolean => sequence.promptLength > 0;
const hasAnswer = (sequence: Sequence): boolean => sequence.ids.length > sequence.promptLength;

/** Rows that can be trained on; rows are never cut, because a cut answer teaches to stop nowhere. */
export function usableRows(rows: readonly TrainRow[], maxLength: number): { used: TrainRow[]; dropped: Record<string, number> } {
  const used: TrainRow[] = [];
  const dropped: Record<string, number> = {};
  const drop = (reason: string): void => void (dropped[reason] = (dropped[reason] ?? 0) + 1);
  for (const row of rows) {
    if (rowLength(row) > maxLength) drop("too_long");
    else if (!sequencesOf(row).every(hasPrompt)) drop("empty_prompt");
    else if (!sequencesOf(row).every(hasAnswer)) drop("empty_answer");
    else used.push(row);
  }
  if (used.length === 0) {
    const why = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
    throw new SpecError("rows_empty", `no row is left to train on (${rows.length} given; ${why.join(", ") || "none dropped"})`, { hint: `the longest row allowed has ${maxLength} tokens (maxLength)` });
  }
  return { used, dropped };
}

/** A digest of all ids, prompt lengths, margins and labels, in order. */
export function digestRows(rows: readonly TrainRow[]): string {
  const hash = createHash("sha256");
  for (const row of rows) {
    for (const { ids, promptLength } of sequencesOf(row)) hash.update(Int32Array.of(ids.length, promptLength, ...ids));
    if ("desirable" in row) hash.update(row.desirable ? "+" : "-");
    if ("margin" in row) hash.update(String(row.margin));
  }
  return hash.digest("hex");
}
