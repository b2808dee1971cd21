// Rows to score as batches of groups. A group is a run of consecutive rows with the same prompt. Groups of
// similar length form a batch.
import type { Sequence } from "../model/index.ts";

export interface Group<Row extends Sequence> {
  prompt: readonly number[];
  /** `at`: index in the list of all rows. */
  rows: { row: Row; at: number }[];
  /** Number of tokens of the prompt and all answers. */
  tokens: number;
  /** Length of the longest row. */
  length: number;
}

const hasPrompt = (prompt: readonly number[], { ids, promptLength }: Sequence): boolean =>
  prompt.length === promptLength && prompt.every((id, position) => id === ids[position]);

/** A group with more than `most` tokens is cut between its answers. */
function groupsOf<Row extends Sequence>(rows: readonly Row[], most: number): Group<Row>[] {
  const groups: Group<Row>[] = [];
  for (const [at, row] of rows.entries()) {
    const { ids, promptLength } = row;
    let group = groups.at(-1);
    if (!group || !hasPrompt(group.prompt, row) || group.tokens + ids.length - promptLength > most) {
      group = { prompt: ids.slice(0, promptLength), rows: [], tokens: promptLength, length: 0 };
      groups.push(group);
    }
    group.rows.push({ row, at });
    group.tokens += ids.length - promptLength;
    group.length = Math.max(group.length, ids.length);
  }
  return groups;
}

/** Batches of at most `most` tokens, or of one larger group. */
export function batchesOf<Row extends Sequence>(rows: readonly Row[], most: number): Group<Row>[][] {
  const batches: Group<Row>[][] = [];
  let tokens = Infinity;
  for (const group of groupsOf(rows, most).sort(
    (one, other) => one.length - other.length || one.rows[0]!.at - other.rows[0]!.at,
  )) {
    tokens += group.tokens;
    if (tokens > most) {
      batches.push([]);
      tokens = group.tokens;
    }
    batches.at(-1)!.push(group);
  }
  return batches;
}
