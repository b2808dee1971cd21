// Rows before they become batches: which ones are used, and the digest that tells whether two runs have the same ones.
import { createHash } from "node:crypto";
import { SpecError } from "../errors.ts";
import type { Sequence } from "../model/encode.ts";
import type { Answer, AnswerGroup } from "../model/pack.ts";
import type { TrainRow } from "./types.ts";

/** The sequences of a row: one, or chosen and rejected. */
export function sequencesOf(row: TrainRow): readonly Sequence[] {
  return "chosen" in row ? [row.chosen, row.rejected] : [row];
}

/** The longest sequence of a row. */
export function rowLength(row: TrainRow): number {
  return Math.max(...sequencesOf(row).map((sequence) => sequence.ids.length));
}

export function rowTokens(row: TrainRow): number {
  return sequencesOf(row).reduce((total, sequence) => total + sequence.ids.length, 0);
}

const promptOf = ({ ids, promptLength }: Sequence): readonly number[] => ids.slice(0, promptLength);

/** The groups of one row; its answers' results stand at `results`. Two answers to the same prompt are one group. */
function groupsOfRow(row: TrainRow, results: readonly number[]): AnswerGroup[] {
  const groups = sequencesOf(row).map((sequence, index): AnswerGroup => {
    const answer: Answer = { ids: sequence.ids.slice(sequence.promptLength), result: results[index] as number };
    return { prompt: promptOf(sequence), answers: [answer] };
  });
  const [first, second] = groups;
  const shared = first && second && first.prompt.length === second.prompt.length && first.prompt.every((id, place) => id === second.prompt[place]);
  return shared ? [{ prompt: first.prompt, answers: [...first.answers, ...second.answers] }] : groups;
}

/** The places that a row takes: a prompt that its answers share stands once. */
export function rowWidth(row: TrainRow): number {
  const widths = groupsOfRow(row, [0, 1]).map(({ prompt, answers }) => answers.reduce((total, { ids }) => total + ids.length, prompt.length));
  return Math.max(...widths);
}

/** A batch as groups. Of pairs, the results of all chosen answers come before those of all rejected ones. */
export function groupsOf(rows: readonly TrainRow[]): AnswerGroup[] {
  return rows.flatMap((row, index) => groupsOfRow(row, [index, rows.length + index]));
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

/** A digest of all ids and prompt lengths, in order. */
export function digestRows(rows: readonly TrainRow[]): string {
  const hash = createHash("sha256");
  for (const row of rows) {
    for (const { ids, promptLength } of sequencesOf(row)) hash.update(Int32Array.of(ids.length, promptLength, ...ids));
  }
  return hash.digest("hex");
}
