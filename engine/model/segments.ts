// Prompts with their answers → the input tensors of a forward pass over segments (sequences.ts): no token is
// padding, and no prompt is computed twice. A prompt is a row of queries, and so is each answer, whose keys
// are its prompt's and its own. Longer ones are several rows, so that a long answer does not lengthen the
// rows of others.
//   prompt "a b c" with answers "x y" and "z"   rows a b c | x y | z   keys a b c | a b c x y | a b c z
import type { Tensor } from "../graph/value.ts";
import { int64 } from "./encode.ts";
import type { Encoded } from "./encode.ts";
import { gatherIndex, gatherIndexOfMany } from "./gather-index.ts";

export interface PromptGroup {
  prompt: readonly number[];
  answers: readonly (readonly number[])[];
}

export interface Segments {
  tensors: Encoded;
  /**
   * For each group: index of the first token of its prompt and of each answer, and the row whose keys are the
   * whole prompt.
   */
  starts: { prompt: number; answers: number[]; row: number }[];
}

interface Row {
  /** Index of its first token in the list. */
  start: number;
  length: number;
  /** Number of tokens of the same prompt or answer before it. */
  before: number;
  /** The prompt before an answer; empty for a prompt's own rows. */
  promptStart: number;
  promptLength: number;
}

/**
 * Most queries of a row. Fewer would mean more copies of the keys, more would mean more scores that are
 * masked.
 */
const ROW_QUERIES_MAX = 32;
/** Added to masked scores. It is finite, so no row can become NaN. */
const MASKED = -1e30;

/**
 * For training: the gradients' inputs, and at least as many tokens as the graph is promised
 * (graph/threads.ts). Added tokens are in no row.
 */
export interface Learning {
  leastTokens: number;
}

/** The list of tokens, and the rows of queries that it is cut into. */
class TokenList {
  readonly tokens: number[] = [];
  readonly positions: number[] = [];
  readonly rows: Row[] = [];

  /** Appends a prompt, or an answer to the prompt at `promptStart`. Returns the index of its first token. */
  append(ids: readonly number[], promptStart: number, promptLength: number): number {
    const start = this.tokens.length;
    for (let before = 0; before < ids.length; before += ROW_QUERIES_MAX) {
      const length = Math.min(ROW_QUERIES_MAX, ids.length - before);
      this.rows.push({ start: start + before, length, before, promptStart, promptLength });
    }
    for (const [offset, id] of ids.entries()) {
      this.tokens.push(id);
      this.positions.push(promptLength + offset);
    }
    return start;
  }

  /** Adds tokens that are in no row, so no token sees them and no gradient reaches them. */
  fillUpTo(count: number): void {
    while (this.tokens.length < count) {
      this.tokens.push(0);
      this.positions.push(0);
    }
  }
}

export function arrangeSegments(
  groups: readonly PromptGroup[],
  buckets: number,
  learning?: Learning,
): Segments {
  const list = new TokenList();
  const starts = groups.map(({ prompt, answers }) => {
    const start = list.append(prompt, 0, 0);
    const row = list.rows.length - 1;
    return { prompt: start, row, answers: answers.map((ids) => list.append(ids, start, prompt.length)) };
  });
  if (learning) list.fillUpTo(learning.leastTokens);
  const { tokens, positions, rows } = list;
  const N = tokens.length;
  const parts = bucketsOf(rows, buckets).map((bucket) => arrange(bucket, N));
  const [queryAt, keyAt] = [parts.map((part) => part.queryAt), parts.map((part) => part.keyAt)];
  const tensors = {
    tokens: int64(tokens),
    positions: int64(positions, [N, 1]),
    placeOf: gatherIndex(queryAt, N),
    ...(learning && gatherIndexOfMany("keysOf", keyAt, N)),
    ...named(
      "queryAt",
      queryAt.map((at) => int64(at)),
    ),
    ...named(
      "keyAt",
      keyAt.map((at) => int64(at)),
    ),
    ...named(
      "mask",
      parts.map(({ mask }) => mask),
    ),
  };
  return { tensors, starts };
}

const keyCount = ({ promptLength, before, length }: Row): number => promptLength + before + length;

/**
 * Buckets of about equally many rows, those with few keys first. A single bucket keeps the order of the rows.
 */
function bucketsOf(rows: readonly Row[], buckets: number): Row[][] {
  const sorted = buckets === 1 ? [...rows] : rows.toSorted((one, other) => keyCount(one) - keyCount(other));
  return Array.from({ length: buckets }, (_, index) =>
    sorted.slice(
      Math.floor((index * rows.length) / buckets),
      Math.floor(((index + 1) * rows.length) / buckets),
    ),
  );
}

/** A bucket's tensors. N stands for an absent token. A bucket without rows gets one unused row. */
function arrange(rows: readonly Row[], N: number): { queryAt: Int32Array; keyAt: Int32Array; mask: Tensor } {
  const R = Math.max(1, rows.length);
  const Q = Math.max(1, ...rows.map(({ length }) => length));
  const T = Math.max(1, ...rows.map(keyCount));
  // The largest array first: if there is no memory for it, no time is lost on the others.
  const mask = new Float32Array(R * Q * T);
  const queryAt = new Int32Array(R * Q).fill(N);
  const keyAt = new Int32Array(R * T).fill(N);
  for (const [row, { start, length, before, promptStart, promptLength }] of rows.entries()) {
    for (let key = 0; key < promptLength; key++) keyAt[row * T + key] = promptStart + key;
    for (let key = 0; key < before + length; key++)
      keyAt[row * T + promptLength + key] = start - before + key;
    for (let query = 0; query < length; query++) queryAt[row * Q + query] = start + query;
    // A query sees the prompt and all tokens of its own answer up to itself.
    for (let query = 0; query < Q; query++)
      mask.fill(
        MASKED,
        (row * Q + query) * T + Math.min(T, promptLength + before + query + 1),
        (row * Q + query + 1) * T,
      );
  }
  return { queryAt, keyAt, mask: { dtype: "float32", shape: [R, Q, T], data: mask } };
}

const named = (name: string, tensors: readonly Tensor[]): Encoded =>
  Object.fromEntries(tensors.map((tensor, bucket) => [`${name}.${bucket}`, tensor]));
