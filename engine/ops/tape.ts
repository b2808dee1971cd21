// Operations on a graph, recorded so that they can be differentiated. Models, losses and gradient rules are
// calls of these methods.
import { RatchetError } from "../../errors/index.ts";
import type { Graph } from "../graph/graph.ts";
import { dimAt, product } from "../graph/value.ts";
import type { Dim, DType, Shape, Value } from "../graph/value.ts";
import { emitters } from "./emit.ts";
import type { Arrangement, Attributes, Inverse, OpName } from "./list.ts";
import { shapeRules } from "./shapes.ts";

export interface Applied<K extends OpName = OpName> {
  op: K;
  inputs: readonly Value[];
  outputs: readonly Value[];
  attributes: Attributes[K];
}

export class Tape {
  readonly graph: Graph;
  readonly applied: Applied[] = [];

  constructor(graph: Graph) {
    this.graph = graph;
  }

  apply<K extends OpName>(op: K, inputs: readonly Value[], attributes: Attributes[K]): Value[] {
    const outputs = emitters[op](this.graph, inputs, shapeRules[op](inputs, attributes), attributes);
    this.applied.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  private single<K extends OpName>(op: K, inputs: readonly Value[], attributes: Attributes[K]): Value {
    const [output] = this.apply(op, inputs, attributes);
    if (!output) throw new RatchetError("unreachable_state", `${op} has no output`);
    return output;
  }

  /** A constant with the type of `like`. */
  number(value: number, like: Value): Value {
    return this.graph.scalar(value, like.dtype);
  }

  ones(shape: readonly number[], dtype: DType): Value {
    const count = shape.reduce((total, dim) => total * dim, 1);
    return this.graph.constant({
      dtype,
      shape,
      data: (dtype === "float64" ? new Float64Array(count) : new Float32Array(count)).fill(1),
    });
  }

  add = (a: Value, b: Value): Value => this.single("add", [a, b], {});
  sub = (a: Value, b: Value): Value => this.single("sub", [a, b], {});
  mul = (a: Value, b: Value): Value => this.single("mul", [a, b], {});
  div = (a: Value, b: Value): Value => this.single("div", [a, b], {});
  min = (a: Value, b: Value): Value => this.single("min", [a, b], {});
  neg = (x: Value): Value => this.single("neg", [x], {});
  exp = (x: Value): Value => this.single("exp", [x], {});
  log = (x: Value): Value => this.single("log", [x], {});
  sqrt = (x: Value): Value => this.single("sqrt", [x], {});
  sigmoid = (x: Value): Value => this.single("sigmoid", [x], {});
  tanh = (x: Value): Value => this.single("tanh", [x], {});
  softplus = (x: Value): Value => this.single("softplus", [x], {});
  softmax = (x: Value): Value => this.single("softmax", [x], {});
  gemm = (a: Value, b: Value, attributes: Attributes["gemm"] = {}): Value =>
    this.single("gemm", [a, b], attributes);
  matmul = (a: Value, b: Value, attributes: Attributes["matmul"] = {}): Value =>
    this.single("matmul", [a, b], attributes);
  reshape = (x: Value, shape: Shape): Value => this.single("reshape", [x], { shape });
  expand = (x: Value, shape: Shape): Value => this.single("expand", [x], { shape });
  transpose = (x: Value, permutation: readonly number[]): Value =>
    this.single("transpose", [x], { permutation });
  concat = (values: readonly Value[], axis: number): Value => this.single("concat", values, { axis });
  split = (x: Value, axis: number, sizes: readonly Dim[]): Value[] =>
    this.apply("split", [x], { axis, sizes });
  gather = (table: Value, ids: Value): Value => this.single("gather", [table, ids], {});
  sumById = (x: Value, ids: Value, rows: number): Value => this.single("sumById", [x, ids], { rows });
  addInRows = (x: Value, columns: Value, values: Value): Value =>
    this.single("addInRows", [x, columns, values], {});
  dealRows = (
    x: Value,
    { index, inverse }: { index: readonly Value[]; inverse?: Inverse | undefined },
  ): Value[] => this.apply("dealRows", [x, ...index], { inverse });
  collectRows = (parts: readonly Value[], arrangement: Arrangement): Value =>
    this.single("collectRows", parts, arrangement);
  reduceSum = (x: Value, axes: readonly number[]): Value => this.single("reduceSum", [x], { axes });
  reduceMean = (x: Value, axes: readonly number[]): Value => this.single("reduceMean", [x], { axes });
  sumSquares = (x: Value, axes: readonly number[]): Value => this.single("sumSquares", [x], { axes });
  reduceMax = (x: Value, axes: readonly number[]): Value => this.single("reduceMax", [x], { axes });
  segmentSum = (x: Value, segments: Value, count: Dim): Value =>
    this.single("segmentSum", [x, segments], { count });
  attend = (scores: Value, values: Value): Value => this.single("attend", [scores, values], {});
  swiglu = (x: Value, u: Value): Value => this.single("swiglu", [x, u], {});
  rmsNorm = (x: Value, weight: Value, epsilon: number): Value =>
    this.single("rmsNorm", [x, weight], { epsilon });
  rotary = (x: Value, cos: Value, sin: Value, positions: Value, inverse = false): Value =>
    this.single("rotary", [x, cos, sin, positions], { inverse });
  tokenLogps = (logits: Value, targets: Value): Value => this.single("tokenLogps", [logits, targets], {});
  after = (x: Value, others: readonly Value[]): Value => this.single("after", [x, ...others], {});
  detach = (x: Value): Value => this.single("detach", [x], {});
  oneHot = (ids: Value, depth: Dim, dtype: DType): Value => this.single("oneHot", [ids], { depth, dtype });
  greater = (a: Value, b: Value): Value => this.single("greater", [a, b], {});
  cast = (x: Value, to: DType): Value => this.single("cast", [x], { to });
  causalMask = (size: Dim, dtype: DType): Value => this.single("causalMask", [], { size, dtype });
  count = (dims: readonly Dim[], dtype: DType): Value => this.single("count", [], { dims, dtype });

  /** A vector in ascending order, and the index that each element had before. */
  sortedWithOrder(x: Value): [Value, Value] {
    return this.apply("sort", [x], {}) as [Value, Value];
  }

  /** ln softmax(logits) of each row's target, and of the whole vocabulary. */
  tokenLogpsOfAll(logits: Value, targets: Value): [Value, Value] {
    return this.apply("tokenLogps", [logits, targets], {}) as [Value, Value];
  }

  /** The sum of all elements, a scalar. */
  sumAll(x: Value): Value {
    return this.reshape(this.reduceSum(this.reshape(x, [product(x.shape)]), [0]), []);
  }

  /** The mean of all elements, a scalar. */
  meanAll(x: Value): Value {
    return this.reshape(this.reduceMean(this.reshape(x, [product(x.shape)]), [0]), []);
  }

  /** The largest of all elements, a scalar. */
  maxAll(x: Value): Value {
    return this.reshape(this.reduceMax(this.reshape(x, [product(x.shape)]), [0]), []);
  }

  /** x [N, in] times the transpose of a weight matrix [out, in]: [N, out]. */
  linear(x: Value, weight: Value): Value {
    return this.gemm(x, weight, { transposeB: true });
  }

  /** Both halves of the rows of x. */
  halves(x: Value, half: Dim): [Value, Value] {
    const [first, second] = this.split(x, 0, [half, half]);
    if (!first || !second)
      throw new RatchetError("shape_mismatch", `[${x.shape}] has no halves of ${dimAt(x, 0)} / 2`);
    return [first, second];
  }
}
