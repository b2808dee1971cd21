// Token sequences → the input tensors of a dense forward pass: padded on the right, with the selected
// positions.
import type { Tensor } from "../graph/value.ts";

export interface Sequence {
  ids: readonly number[];
  /** Number of prompt tokens at the beginning of ids, at least one. The rest is the answer. */
  promptLength: number;
  /**
   * SFT of conversations: whether the loss includes predicting the token at each position. It replaces the
   * choice of answer or whole.
   */
  lossMask?: readonly boolean[];
}

export type Encoded = Record<string, Tensor>;

/** Any id would do: no real token sees right padding, and it is never selected. */
const PADDING_ID = 0;

/**
 * Whole numbers from 0 to 2³¹ − 1 as int64. It writes their low halves, because making a BigInt of each takes
 * ten times as long. All processors that onnxruntime supports store the low half first.
 */
export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
  const data = new BigInt64Array(values.length);
  const halves = new Int32Array(data.buffer);
  for (let index = 0; index < values.length; index++) halves[2 * index] = values[index] as number;
  return { dtype: "int64", shape, data };
}

function encodeTokens(sequences: readonly Pick<Sequence, "ids">[]): { width: number; tensors: Encoded } {
  const width = Math.max(...sequences.map((sequence) => sequence.ids.length));
  const shape = [sequences.length, width];
  const tokens = sequences.flatMap(({ ids }) => [
    ...ids,
    ...new Array<number>(width - ids.length).fill(PADDING_ID),
  ]);
  const positions = sequences.flatMap(() => Array.from({ length: width }, (_, position) => position));
  return { width, tensors: { tokens: int64(tokens, shape), positions: int64(positions, shape) } };
}

/**
 * The index [M] of selected flat positions, and its inverse [1, positions], which holds M for positions that
 * are not selected.
 */
export function selection(index: readonly number[], positions: number): Encoded {
  const inverse = new Array<number>(positions).fill(index.length);
  for (const [at, position] of index.entries()) inverse[position] = at;
  return { index: int64(index), inverse: int64(inverse, [1, positions]) };
}

/**
 * For log-probabilities of tokens: those of the answers; with `whole`, all but the first; or those of a
 * sequence's own mask. Besides the selection it makes `targets`, the token that each selected position
 * predicts, and `rowOf`, its row.
 */
export function encodeForLogps(sequences: readonly Sequence[], whole = false): Encoded {
  const { width, tensors } = encodeTokens(sequences);
  const index: number[] = [];
  const targets: number[] = [];
  const rowOf: number[] = [];
  for (const [row, { ids, promptLength, lossMask }] of sequences.entries()) {
    for (let position = whole || lossMask ? 1 : promptLength; position < ids.length; position++) {
      if (lossMask && !lossMask[position]) continue;
      index.push(row * width + position - 1);
      targets.push(ids[position] as number);
      rowOf.push(row);
    }
  }
  return {
    ...tensors,
    ...selection(index, sequences.length * width),
    targets: int64(targets),
    rowOf: int64(rowOf),
  };
}

/** For rewards: selects the last real token of each sequence. */
export function encodeForRewards(sequences: readonly Sequence[]): Encoded {
  const { width, tensors } = encodeTokens(sequences);
  const last = sequences.map(({ ids }, row) => row * width + ids.length - 1);
  return { ...tensors, ...selection(last, sequences.length * width) };
}
