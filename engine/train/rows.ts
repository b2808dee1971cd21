// Rows before they become batches: which ones are used, and the digest that tells whether two runs have the same ones.
import { createHash } from "node:crypto";
import { RatchetError } from "../../errors/index.ts";
import type { Sequence } from "../model/encode.ts";
import type { AnswerGroup } from "../model/pack.ts";
import type { LaidRow } from "./layout.ts";
import type { TrainRow } from "./types.ts";

/** The sequences of a row: one, or chosen and rejected. */
export function sequencesOf(row: TrainRow | LaidRow): readonly Sequence[] {
  return "chosen" in row ? [row.chosen, row.rejected] : [row];
}

/** The longest sequence of a row. */
export function rowLength(row: TrainRow | LaidRow): number {
  return Math.max(...sequencesOf(row).map((sequence) => sequence.ids.length));
}

export function rowTokens(row: TrainRow | LaidRow): number {
  return sequencesOf(row).reduce((total, sequence) => total + sequence.ids.length, 0);
}

/** Where the tokens begin that are predicted: after the prompt, or (`whole`, or with a mask of its own) after the first token. */
const answerStart = ({ promptLength, lossMask }: Sequence, whole: boolean): number =>
  whole || lossMask ? 1 : promptLength;

/** The groups of one row; its answers' results stand at `results`. Two answers to the same prompt are one group: it is computed once. */
function groupsOfRow(row: LaidRow, results: readonly number[], whole: boolean): AnswerGroup[] {
  const groups = sequencesOf(row).map((sequence, index): AnswerGroup => {
    const start = answerStart(sequence, whole);
    const answer = {
      ids: sequence.ids.slice(start),
      result: results[index] as number,
      counts: sequence.lossMask?.slice(start),
    };
    return { prompt: sequence.ids.slice(0, start), answers: [answer] };
  });
  const [first, second] = groups;
  const shared =
    first &&
    second &&
    first.prompt.length === second.prompt.length &&
    first.prompt.every((id, place) => id === second.prompt[place]);
  return shared ? [{ prompt: first.prompt, answers: [...first.answers, ...second.answers] }] : groups;
}

/** A batch as groups. Of pairs, the results of all chosen answers come before those of all rejected ones. */
export function groupsOf(rows: readonly LaidRow[], whole = false): AnswerGroup[] {
  return rows.flatMap((row, index) => groupsOfRow(row, [index, rows.length + index], whole));
}

const hasPrompt = (sequence: Sequence): boolean => sequence.promptLength > 0;

/** Something to learn from: the first token of all is never predicted. */
function hasAnswer({ ids, promptLength, lossMask }: Sequence): boolean {
  return lossMask ? lossMask.some((read, position) => read && position > 0) : ids.length > promptLength;
}

export interface UsableRows {
  used: TrainRow[];
  /** Rows that were left out, by reason. */
  dropped: Record<string, number>;
  /** Used rows that lost their end. */
  cut: number;
}

/**
 * Rows that can be trained on. A row that is longer than `maxLength` is left out, because a cut answer teaches to stop nowhere; with
 * `keep_start` it is cut, as TRL does, and left out only where nothing of the answer is left.
 */
export function usableRows(
  rows: readonly TrainRow[],
  { maxLength, truncation }: { maxLength: number; truncation?: "keep_start" | undefined },
): UsableRows {
  const used: TrainRow[] = [];
  const dropped: Record<string, number> = {};
  let cut = 0;
  for (const row of rows) {
    const long = rowLength(row) > maxLength;
    const kept = long && truncation === "keep_start" ? cutRow(row, maxLength) : row;
    const reason = whyUnusable(kept, maxLength, long);
    if (reason !== undefined) dropped[reason] = (dropped[reason] ?? 0) + 1;
    else {
      used.push(kept);
      if (long) cut++;
    }
  }
  if (used.length === 0) {
    const why = Object.entries(dropped).map(([reason, count]) => `${count} ${reason}`);
    throw new RatchetError(
      "rows_empty",
      `no row is left to train on (${rows.length} given; ${why.join(", ") || "none dropped"})`,
      { hint: `the longest row allowed has ${maxLength} tokens (maxLength)` },
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
    ...(sequence.lossMask ? { lossMask: sequence.lossMask.slice(0, maxLength) } : {}),
  });
  return "chosen" in row ? { ...row, chosen: cut(row.chosen), rejected: cut(row.rejected) } : cut(row);
}

/** A digest of all ids, prompt lengths, masks, margins and labels, in order. */
export function digestRows(rows: readonly (TrainRow | LaidRow)[]): string {
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
