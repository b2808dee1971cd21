// Prompts with their answers → the input tensors of a forward pass without gradient (sequences.ts): no token is padding, and no prompt is
// computed twice. A prompt is a row of queries, and so is each answer, whose keys are its prompt's and then its own. Longer ones are
// several rows, so that a long answer does not make the others' rows as long.
//   prompt "a b c" with answers "x y" and "z"   rows a b c | x y | z   keys a b c | a b c x y | a b c z
import { int64 } from "./encode.ts";
import type { Encoded } from "./encode.ts";

export interface PromptGroup {
  /** One token at least. */
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

export function layInSegments(groups: readonly PromptGroup[]): Segments {
  const tokens: number[] = [];
  const positions: number[] = [];
  const rows: Row[] = [];
  const put = (ids: readonly number[], promptStart: number, promptLength: number): number => {
    const start = tokens.length;
    for (let before = 0; before < ids.length; before += rowQueries)
      rows.push({ start: start + before, length: Math.min(rowQueries, ids.length - before), before, promptStart, promptLength });
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
  return { tensors: { tokens: int64(tokens), positions: int64(positions, [tokens.length, 1]), ...arrange(rows, tokens.length) }, starts };
}

function arrange(rows: readonly Row[], count: number): Encoded {
  const Q = Math.max(...rows.map(({ length }) => length));
  const T = Math.max(...rows.map(({ promptLength, before, length }) => promptLength + before + length));
  const placeOf = new Array<number>(count);
  const queryAt = new Array<number>(rows.length * Q).fill(0);
  const keyAt = new Array<number>(rows.length * T).fill(0);
  const mask = new Float32Array(rows.length * Q * T);
  for (const [row, { start, length, before, promptStart, promptLength }] of rows.entries()) {
    for (let key = 0; key < promptLength; key++) keyAt[row * T + key] = promptStart + key;
    for (let key = 0; key < before + length; key++) keyAt[row * T + promptLength + key] = start - before + key;
    for (let place = 0; place < length; place++) {
      placeOf[start + place] = row * Q + place;
      queryAt[row * Q + place] = start + place;
    }
    // A query sees the prompt and what stands up to itself.
    for (let place = 0; place < Q; place++) mask.fill(masked, (row * Q + place) * T + Math.min(T, promptLength + before + place + 1), (row * Q + place + 1) * T);
  }
  return { queryAt: int64(queryAt), keyAt: int64(keyAt), placeOf: int64(placeOf), mask: { dtype: "float32", shape: [rows.length, 1, Q, T], data: mask } };
}
