// Token sequences → the input tensors of a forward pass: padding on the right, and which positions are read.
import type { Tensor } from "../graph/value.ts";

export interface Sequence {
  ids: readonly number[];
  /** Tokens of the prompt at the beginning of ids, one at least; the rest is the answer. */
  promptLength: number;
  /** SFT of conversations: whether the loss is on predicting the token at each position. Takes the place of answer or whole. */
  lossMask?: readonly boolean[];
}

export type Encoded = Record<string, Tensor>;

/** Any id will do: right padding is never looked at by a real token, and never selected. */
const padding = 0;

/**
 * Whole numbers from 0 to 2³¹ − 1. Their low halves are written, which come first wherever onnxruntime runs: to make a BigInt of each takes ten
 * times as long.
 */
export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
  const data = new BigInt64Array(values.length);
  const halves = new Int32Array(data.buffer);
  for (let place = 0; place < values.length; place++) halves[2 * place] = values[place] as number;
  return { dtype: "int64", shape, data };
}

function encodeTokens(sequences: readonly Pick<Sequence, "ids">[]): { width: number; tensors: Encoded } {
  const width = Math.max(...sequences.map((sequence) => sequence.ids.length));
  const shape = [sequences.length, width];
  const tokens = sequences.flatMap(({ ids }) => [
    ...ids,
    ...new Array<number>(width - ids.length).fill(padding),
  ]);
  const positions = sequences.flatMap(() => Array.from({ length: width }, (_, position) => position));
  return { width, tensors: { tokens: int64(tokens, shape), positions: int64(positions, shape) } };
}

/** index [M] and inverse [1, positions] of a selection of flat positions. */
export function selection(index: readonly number[], positions: number): Encoded {
  const inverse = new Array<number>(positions).fill(index.length);
  for (const [place, position] of index.entries()) inverse[position] = place;
  return { index: int64(index), inverse: int64(inverse, [1, positions]) };
}

/**
 * Sequences of which the log-probabilities of tokens are read: of the answers, or (`whole`) of all tokens but the first, or of those
 * that a sequence's own mask names.
 * Besides the selection: the token that each selected position is to predict, and the row it stands in.
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

/** Sequences of which the last real token is read. */
export function encodeForRewards(sequences: readonly Sequence[]): Encoded {
  const { width, tensors } = encodeTokens(sequences);
  const last = sequences.map(({ ids }, row) => row * width + ids.length - 1);
  return { ...tensors, ...selection(last, sequences.length * width) };
}
