// Prompts with their answers → the input tensors of a forward pass (sequences.ts): no token is padding, and no prompt is computed twice. A
// prompt is a row of queries, and so is each answer, whose keys are its prompt's and then its own. Longer ones are several rows, so that a
// long answer does not make the others' rows as long.
//   prompt "a b c" with answers "x y" and "z"   rows a b c | x y | z   keys a b c | a b c x y | a b c z
import type { Tensor } from "../graph/value.ts";
import { int64 } from "./encode.ts";
import type { Encoded } from "./encode.ts";
import { placesOfEach, placesOfMany } from "./gather-index.ts";

export interface PromptGroup {
  prompt: readonly number[];
  answers: readonly (readonly number[])[];
}

export interface Segments {
  tensors: Encoded;
  /** Of each group, where prompt and answers begin in the list of tokens, and the row whose keys are the whole prompt. */
  starts: { prompt: number; answers: number[]; row: number }[];
}

interface Row {
  /** Its tokens in the list, and those of the same prompt or answer that stand before them. */
  start: number;
  length: number;
  before: number;
  /** The prompt before it: nothing before a prompt. */
  promptStart: number;
  promptLength: number;
}

/** Queries of a row at most: fewer make more copies of the keys, more make more scores that nobody needs. */
const rowQueries = 32;
/** Added to a score that is not to be seen; finite, so that no row can become NaN. */
const masked = -1e30;

/**
 * For learning: with what a gradient needs, and as many tokens as its graph is promised (graph/threads.ts). Those that are added stand in no row, so
 * that nothing sees them and no gradient reaches them.
 */
export interface Learning {
  leastTokens: number;
}

export function layInSegments(
  groups: readonly PromptGroup[],
  buckets: number,
  learning?: Learning,
): Segments {
  const tokens: number[] = [];
  const positions: number[] = [];
  const rows: Row[] = [];
  const put = (ids: readonly number[], promptStart: number, promptLength: number): number => {
    const start = tokens.length;
    for (let before = 0; before < ids.length; before += rowQueries)
      rows.push({
        start: start + before,
        length: Math.min(rowQueries, ids.length - before),
        before,
        promptStart,
        promptLength,
      });
    for (const [offset, id] of ids.entries()) {
      tokens.push(id);
      positions.push(promptLength + offset);
    }
    return start;
  };
  const starts = groups.map(({ prompt, answers }) => {
    const start = put(prompt, 0, 0);
    const row = rows.length - 1;
    return { prompt: start, row, answers: answers.map((ids) => put(ids, start, prompt.length)) };
  });
  while (learning && tokens.length < learning.leastTokens) {
    tokens.push(0);
    positions.push(0);
  }
  const N = tokens.length;
  const parts = dealt(rows, buckets).map((bucket) => arrange(bucket, N));
  const tensors = {
    tokens: int64(tokens),
    positions: int64(positions, [N, 1]),
    placeOf: placesOfEach(
      parts.map(({ queryAt }) => queryAt),
      N,
    ),
    ...(learning
      ? placesOfMany(
          "keysOf",
          parts.map(({ keyAt }) => keyAt),
          N,
        )
      : {}),
    ...named(
      "queryAt",
      parts.map(({ queryAt }) => int64(queryAt)),
    ),
    ...named(
      "keyAt",
      parts.map(({ keyAt }) => int64(keyAt)),
    ),
    ...named(
      "mask",
      parts.map(({ mask }) => mask),
    ),
  };
  return { tensors, starts };
}

const keyCount = ({ promptLength, before, length }: Row): number => promptLength + before + length;

/** About equally many rows each, those with few keys first. One bucket keeps the rows as they are. */
function dealt(rows: readonly Row[], buckets: number): Row[][] {
  const sorted = buckets === 1 ? [...rows] : rows.toSorted((one, other) => keyCount(one) - keyCount(other));
  return Array.from({ length: buckets }, (_, index) =>
    sorted.slice(
      Math.floor((index * rows.length) / buckets),
      Math.floor(((index + 1) * rows.length) / buckets),
    ),
  );
}

/** A bucket's tensors. Where there is no token stands N. A bucket without rows gets one that nobody reads. */
function arrange(rows: readonly Row[], N: number): { queryAt: Int32Array; keyAt: Int32Array; mask: Tensor } {
  const R = Math.max(1, rows.length);
  const Q = Math.max(1, ...rows.map(({ length }) => length));
  const T = Math.max(1, ...rows.map(keyCount));
  // The largest first: where there is no memory for it, nothing is begun.
  const mask = new Float32Array(R * Q * T);
  const queryAt = new Int32Array(R * Q).fill(N);
  const keyAt = new Int32Array(R * T).fill(N);
  for (const [row, { start, length, before, promptStart, promptLength }] of rows.entries()) {
    for (let key = 0; key < promptLength; key++) keyAt[row * T + key] = promptStart + key;
    for (let key = 0; key < before + length; key++)
      keyAt[row * T + promptLength + key] = start - before + key;
    for (let place = 0; place < length; place++) queryAt[row * Q + place] = start + place;
    // A query sees the prompt and what stands up to itself.
    for (let place = 0; place < Q; place++)
      mask.fill(
        masked,
        (row * Q + place) * T + Math.min(T, promptLength + before + place + 1),
        (row * Q + place + 1) * T,
      );
  }
  return { queryAt, keyAt, mask: { dtype: "float32", shape: [R, Q, T], data: mask } };
}

const named = (name: string, tensors: readonly Tensor[]): Encoded =>
  Object.fromEntries(tensors.map((tensor, bucket) => [`${name}.${bucket}`, tensor]));
