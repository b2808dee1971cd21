// The one list of operations. Shapes, ONNX emission and gradients are total mappings over it (shapes.ts, emit.ts,
// gradients.ts): an operation added here without all three does not compile.
import type { Dim, DType, Shape, Value } from "../graph/value.ts";

type None = Record<never, never>;

/** The places of each row [S,N], and where some rows have more than S of those [S',M] and which of the M each row is [N], M where none. */
export interface Inverse {
  places: Value;
  more?: { places: Value; of: Value };
}

/**
 * Which rows of a list of N stand where in several parts: `index` i [P_i] names the row at each place, N where there is none; `inverse` tells the
 * places of each row, counted through all parts, and ΣP where it stands in fewer.
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
   * (x [N,H,D], index [P_i] …) → a part [H,P_i,D] for each index: at place p of each head what row index[p] has there, zeros where index[p] = N.
   * Without an inverse, no gradient.
   */
  dealRows: { inverse: Inverse | undefined };
  /** The transpose of dealRows: parts [H,P_i,D] … → [N,H,D], each row the sum of what stands at its places. */
  collectRows: Arrangement;
  // Reductions. Reduced axes stay with size 1.
  reduceSum: { axes: readonly number[] };
  reduceMean: { axes: readonly number[] };
  sumSquares: { axes: readonly number[] };
  reduceMax: { axes: readonly number[] };
  /** A vector in ascending order; the second output is the place that each element had before. */
  sort: None;
  /** (x [M], segments [M]) → [count], the sum of each segment. */
  segmentSum: { count: Dim };
  /** The first operand, once the others are computed too; all have one shape. For the order in which a graph runs. */
  after: None;
  // Parts of models.
  /** Over the last axis. */
  softmax: None;
  /** (scores […,Q,T], values […,T,d]) → softmax(scores) · values, […,Q,d]; the second output is the softmax. */
  attend: None;
  /** (x, u) → x σ(x) u (arXiv 2002.05202); further outputs: σ(x) and x σ(x). */
  swiglu: None;
  /** x / √(mean(x²) + ε) · weight, over the last axis of a matrix. */
  rmsNorm: { epsilon: number };
  /** Rotate-half rotary embedding: (x [B,H,T,d], cos [P,d/2], sin [P,d/2], positions [B,T]). */
  rotary: { inverse?: boolean };
  /** (logits [M,V], targets [M]) → ln softmax(logits)[target], [M]; the second output is the log-softmax. */
  tokenLogps: None;
  // Without gradient.
  /** The value itself, to be taken as a constant. */
  detach: None;
  oneHot: { depth: Dim; dtype: DType };
  greater: None;
  cast: { to: DType };
  /** [T,T]: 0 where a row may look (its own column and those before), a very negative number elsewhere. */
  causalMask: { size: Dim; dtype: DType };
  /** Number of elements along the dimensions, a scalar. */
  count: { dims: readonly Dim[]; dtype: DType };
}

export type OpName = keyof Attributes;
