// The one list of operations. Shapes, ONNX nodes and gradients are total tables over it (shapes.ts, emit.ts,
// gradients.ts): an operation without an entry in all three does not compile.
import type { Dim, DType, Shape, Value } from "../graph/value.ts";

type None = Record<never, never>;

/**
 * Inverse index of a gather: for each row of the list, its positions in the parts, [S,N]. `more`: further
 * positions of the M rows that have more than S, [S',M], and each row's index among the M, [N], or M for
 * none.
 */
export interface Inverse {
  positions: Value;
  more?: { positions: Value; of: Value };
}

/**
 * Several parts that are gathered from a list of N rows. `index` i, [P_i]: the row at each position of part
 * i, or N for none. `inverse`: each row's positions, counted through all parts, or ΣP for none.
 */
export interface Arrangement {
  index: readonly Value[];
  inverse: Inverse;
}

/** Every operation and its attributes. Inputs are named in shapes.ts. */
export interface Attributes {
  // Elementwise, with numpy's broadcasting.
  add: None;
  sub: None;
  mul: None;
  div: None;
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  sigmoid: None;
  tanh: None;
  /** ln(1 + eˣ) */
  softplus: None;
  min: None;
  // Products.
  /** 2-D, a or aᵀ times b or bᵀ. */
  gemm: { transposeA?: boolean; transposeB?: boolean };
  /** Batched over the leading axes, which must be equal; `scale` multiplies the product. */
  matmul: { transposeB?: boolean; transposeA?: boolean; scale?: number };
  // Movement.
  reshape: { shape: Shape };
  expand: { shape: Shape };
  transpose: { permutation: readonly number[] };
  concat: { axis: number };
  split: { axis: number; sizes: readonly Dim[] };
  /** Rows of a table by id, ids in any number and order. */
  gather: None;
  /** The gradient of gather: (x [N,D], ids [N]) → [rows,D], each row the sum of the rows of x with its id. */
  sumById: { rows: number };
  /** (x [M,V], columns [M], values [M]) → x with one value added in each row. */
  addInRows: None;
  /**
   * (x [N,H,D], index [P_i] …) → a part [H,P_i,D] for each index: at position p, row index[p] of x, or zeros
   * if index[p] = N. It has a gradient only with an inverse.
   */
  dealRows: { inverse: Inverse | undefined };
  /** The transpose of dealRows: parts [H,P_i,D] … → [N,H,D], each row the sum over its positions. */
  collectRows: Arrangement;
  // Reductions. Reduced axes stay with size 1.
  reduceSum: { axes: readonly number[] };
  reduceMean: { axes: readonly number[] };
  sumSquares: { axes: readonly number[] };
  reduceMax: { axes: readonly number[] };
  /** A vector in ascending order. The second output is the index that each element had before. */
  sort: None;
  /** (x [M], segments [M]) → [count], the sum of each segment. */
  segmentSum: { count: Dim };
  /**
   * The first operand, computed after the others; all have one shape. It fixes the order in which a graph
   * runs.
   */
  after: None;
  // Parts of models.
  /** Over the last axis. */
  softmax: None;
  /**
   * (scores […,Q,T], values […,T,d]) → softmax(scores) · values, […,Q,d]. The second output is the softmax.
   */
  attend: None;
  /** (x, u) → x σ(x) u (arXiv 2002.05202). Further outputs: σ(x) and x σ(x). */
  swiglu: None;
  /** x / √(mean(x²) + ε) · weight, over the last axis of a matrix. */
  rmsNorm: { epsilon: number };
  /** Rotate-half rotary embedding: (x [B,H,T,d], cos [P,d/2], sin [P,d/2], positions [B,T]). */
  rotary: { inverse?: boolean };
  /** (logits [M,V], targets [M]) → ln softmax(logits)[target], [M]. The second output is the log-softmax. */
  tokenLogps: None;
  // Without gradient.
  /** The value as a constant: its gradient is 0. */
  detach: None;
  oneHot: { depth: Dim; dtype: DType };
  greater: None;
  cast: { to: DType };
  /** [T,T]: 0 up to the diagonal, a very negative number above it. */
  causalMask: { size: Dim; dtype: DType };
  /** The product of the dimensions, a scalar. */
  count: { dims: readonly Dim[]; dtype: DType };
}

export type OpName = keyof Attributes;
