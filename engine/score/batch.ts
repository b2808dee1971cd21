// Token rows as the feeds of a whole-sequence graph: padded on the right, where causal attention never looks.
import { Tensor as OrtTensor } from "onnxruntime-node";

export interface Batch {
  /** tokens and positions [R,T], index [M] of the selected positions, inverse [R·T]. */
  feeds: Record<string, OrtTensor>;
  /** T, the longest row. */
  positions: number;
}

/** `selected[r]` lists the positions of row r that are read. */
export function sequenceBatch(rows: readonly (readonly number[])[], selected: readonly (readonly number[])[]): Batch {
  const R = rows.length;
  const T = Math.max(...rows.map((row) => row.length));
  const tokens = new BigInt64Array(R * T);
  const positions = new BigInt64Array(R * T);
  for (const [r, row] of rows.entries()) {
    for (let t = 0; t < T; t++) positions[r * T + t] = BigInt(t);
    row.forEach((id, t) => (tokens[r * T + t] = BigInt(id)));
  }
  const index = BigInt64Array.from(selected.flatMap((list, r) => list.map((t) => BigInt(r * T + t))));
  const inverse = new BigInt64Array(R * T).fill(BigInt(index.length));
  index.forEach((n, m) => (inverse[Number(n)] = BigInt(m)));
  return {
    feeds: {
      tokens: new OrtTensor("int64", tokens, [R, T]),
      positions: new OrtTensor("int64", positions, [R, T]),
      index: new OrtTensor("int64", index, [index.length]),
      inverse: new OrtTensor("int64", inverse, [R * T]),
    },
    positions: T,
  };
}

/** Reads the last token of each row. */
export function promptBatch(rows: readonly (readonly number[])[]): Batch {
  return sequenceBatch(rows, rows.map((row) => [row.length - 1]));
}
