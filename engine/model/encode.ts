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

const int64 = (data: BigInt64Array, ...shape: number[]): Tensor => ({ dtype: "int64", shape, data });

function encodeTokens(sequences: readonly Pick<Sequence, "ids">[]): { width: number; tensors: Encoded } {
  const width = Math.max(...sequences.map((sequence) => sequence.ids.length));
  const tokens = new BigInt64Array(sequences.length * width).fill(BigInt(padding));
  const positions = new BigInt64Array(sequences.length * width);
  const row = BigInt64Array.from({ length: width }, (_, position) => BigInt(position));
  for (const [index, { ids }] of sequences.entries()) {
    for (const [position, id] of ids.entries()) tokens[index * width + position] = BigInt(id);
    positions.set(row, index * width);
  }
  return { width, tensors: { tokens: int64(tokens, sequences.length, width), positions: int64(positions, sequences.length, width) } };
}

/** index and inverse of a selection of flat positions. */
function selection(index: readonly number[], positions: number): Encoded {
  const inverse = new BigInt64Array(positions).fill(BigInt(index.length));
  for (const [place, position] of index.entries()) inverse[position] = BigInt(place);
  return { index: int64(BigInt64Array.from(index, BigInt), index.length), inverse: int64(inverse, positions) };
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
  const ints = (values: readonly number[]): Tensor => int64(BigInt64Array.from(values, BigInt), values.length);
  return { ...tensors, ...selection(index, sequences.length * width), targets: ints(targets), rowOf: ints(rowOf) };
}

/** A text, and tokens of which one may come next. */
export interface Choice {
  ids: readonly number[];
  choices: readonly number[];
}

/** Sequences of which the log-probabilities of several next tokens are read, all at the last real token. */
export function encodeForChoices(rows: readonly Choice[]): Encoded {
  const { width, tensors } = encodeTokens(rows);
  const index = rows.flatMap(({ ids, choices }, row) => choices.map(() => row * width + ids.length - 1));
  const targets = BigInt64Array.from(rows.flatMap(({ choices }) => choices), BigInt);
  return { ...tensors, ...selection(index, rows.length * width), targets: int64(targets, targets.length) };
}

/** Sequences of which the last real token is read. */
export function encodeForRewards(sequences: readonly Sequence[]): Encoded {
  const { width, tensors } = encodeTokens(sequences);
  const last = sequences.map(({ ids }, row) => row * width + ids.length - 1);
  return { ...tensors, ...selection(last, sequences.length * width) };
}
