// Rows to score as batches of groups. A group is the rows that follow each other with one prompt; groups of like length are batched.
import type { Sequence } from "../model/index.ts";

export interface Group<Row extends Sequence> {
  prompt: readonly number[];
  /** With their places in the list. */
  rows: { row: Row; at: number }[];
  /** Prompt and answers. */
  tokens: number;
  /** The longest row. */
  length: number;
}

const follows = (prompt: readonly number[], { ids, promptLength }: Sequence): boolean =>
  prompt.length === promptLength && prompt.every((id, place) => id === ids[place]);

/** A group that would have more than `most` tokens is cut between its answers. */
function groupsOf<Row extends Sequence>(rows: readonly Row[], most: number): Group<Row>[] {
  const groups: Group<Row>[] = [];
  for (const [at, row] of rows.entries()) {
    const { ids, promptLength } = row;
    let group = groups.at(-1);
    if (!group || !follows(group.prompt, row) || group.tokens + ids.length - promptLength > most) {
      group = { prompt: ids.slice(0, promptLength), rows: [], tokens: promptLength, length: 0 };
      groups.push(group);
    }
    group.rows.push({ row, at });
    group.tokens += ids.length - promptLength;
    group.length = Math.max(group.length, ids.length);
  }
  return groups;
}

/** Batches of at most `most` tokens, or of one group that has more. */
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
