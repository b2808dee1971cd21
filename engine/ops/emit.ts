/* oxlint-disable max-lines -- one table of operations and its parts */
// The ONNX nodes of every operation: standard operators, one node if ONNX has one. Outputs have the types of
// shapes.ts. For a few operators onnxruntime has no exact kernel in double precision; they are written out by
// hand. Only the gradient checks use doubles.
import type { Graph } from "../graph/graph.ts";
import { dimAt, fixedDimAt, product, sum } from "../graph/value.ts";
import type { Dim, Value, ValueType } from "../graph/value.ts";
import type { Attributes, OpName } from "./list.ts";
import { product as matrixProduct } from "./product.ts";

type Emit<K extends OpName> = (
  graph: Graph,
  inputs: readonly Value[],
  types: readonly ValueType[],
  attributes: Attributes[K],
) => Value[];

/** Added to masked scores. It is finite, so no row can become NaN. */
const MASKED = -1e30;

/**
 * Sums over at most so many ids are a product with a one-hot matrix. With more ids, scattering takes less
 * time and memory. ScatterElements adds one element after the other on one thread. ScatterND does not: its
 * threads race if an id occurs twice.
 */
const ONE_HOT_ROWS = 512;

const direct =
  (type: string, attributes: Record<string, number> = {}) =>
  (graph: Graph, inputs: readonly Value[], types: readonly ValueType[]): Value[] =>
    graph.node(type, inputs, types, attributes);

function swapLast(graph: Graph, x: Value): Value {
  const axes = x.shape.map((_, axis) => axis);
  const permutation = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
  return graph.one(
    "Transpose",
    [x],
    { dtype: x.dtype, shape: permutation.map((axis) => dimAt(x, axis)) },
    { perm: permutation },
  );
}

function reduce(type: "ReduceSum" | "ReduceMean" | "ReduceSumSquare" | "ReduceMax") {
  return (
    graph: Graph,
    inputs: readonly Value[],
    types: readonly ValueType[],
    { axes }: { axes: readonly number[] },
  ): Value[] => graph.node(type, [...inputs, graph.ints(axes)], types, { keepdims: 1 });
}

function oneHot(graph: Graph, ids: Value, depth: Value, output: ValueType): Value {
  const values = graph.constant({ dtype: "float32", shape: [2], data: Float32Array.of(0, 1) });
  const hot = graph.one("OneHot", [ids, depth, values], { dtype: "float32", shape: output.shape });
  return output.dtype === "float32" ? hot : graph.one("Cast", [hot], output, { to: { type: output.dtype } });
}

/** Rotate-half by hand: y₁ = x₁ cos − x₂ sin, y₂ = x₂ cos + x₁ sin. */
function rotaryByHand(graph: Graph, inputs: readonly Value[], type: ValueType): Value[] {
  const [x, cos, sin, positions] = inputs as [Value, Value, Value, Value];
  const half = fixedDimAt(cos, 1);
  const halfType: ValueType = { dtype: type.dtype, shape: [...type.shape.slice(0, -1), half] };
  const table = (of: Value): Value => {
    const rows = graph.one("Gather", [of, positions], { dtype: of.dtype, shape: [...positions.shape, half] });
    return graph.one("Unsqueeze", [rows, graph.ints([1])], {
      dtype: of.dtype,
      shape: [dimAt(positions, 0), 1, dimAt(positions, 1), half],
    });
  };
  const [c, s] = [table(cos), table(sin)];
  const [x1, x2] = graph.node("Split", [x, graph.ints([half, half])], [halfType, halfType], { axis: 3 }) as [
    Value,
    Value,
  ];
  const binary = (op: string, a: Value, b: Value): Value => graph.one(op, [a, b], halfType);
  const y1 = binary("Sub", binary("Mul", x1, c), binary("Mul", x2, s));
  const y2 = binary("Add", binary("Mul", x2, c), binary("Mul", x1, s));
  return [graph.one("Concat", [y1, y2], type, { axis: 3 })];
}

function rmsNormByHand(graph: Graph, inputs: readonly Value[], epsilon: number): Value[] {
  const [x, weight] = inputs as [Value, Value];
  const { dtype } = x;
  const column: ValueType = { dtype, shape: [dimAt(x, 0), 1] };
  const squares = graph.one("ReduceSumSquare", [x, graph.ints([1])], column, { keepdims: 1 });
  const mean = graph.one("Div", [squares, graph.scalar(fixedDimAt(x, 1), dtype)], column);
  const root = graph.one("Sqrt", [graph.one("Add", [mean, graph.scalar(epsilon, dtype)], column)], column);
  return [graph.one("Mul", [graph.one("Div", [x, root], x), weight], x)];
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** The parts concatenated along the axis, then zeros of size 1. */
function withZeros(graph: Graph, parts: readonly Value[], axis: number): Value {
  const { dtype, shape } = parts[0] as Value;
  const one = shape.map((dim, at) => (at === axis ? 1 : (dim as number)));
  const size = one.reduce((total, dim) => total * dim, 1);
  const zeros = graph.constant({
    dtype,
    shape: one,
    data: dtype === "float64" ? new Float64Array(size) : new Float32Array(size),
  });
  const whole = sum([...parts.map((part) => dimAt(part, axis)), 1]);
  return graph.one(
    "Concat",
    [...parts, zeros],
    { dtype, shape: shape.map((dim, at) => (at === axis ? whole : dim)) },
    { axis },
  );
}

/** rows [P] → [heads,P]: indices of each row's heads in a list of rows · heads. */
function ofHeads(graph: Graph, rows: Value, heads: number): Value {
  const type: ValueType = { dtype: "int64", shape: [heads, dimAt(rows, 0)] };
  return graph.once(`${rows.name} of ${heads} heads`, () =>
    graph.one(
      "Add",
      [graph.one("Mul", [rows, graph.ints([heads])], rows), graph.ints(range(heads), [heads, 1])],
      type,
    ),
  );
}

/**
 * positions [S,N] → [S,N,heads]: indices of each position's heads in a list of heads · positions, those of
 * `whole` [heads,P,…].
 */
function inHeads(graph: Graph, positions: Value, heads: number, whole: Value): Value {
  return graph.once(`${positions.name} in ${heads} heads`, () => {
    const size = graph.one("Shape", [whole], { dtype: "int64", shape: [1] }, { start: 1, end: 2 });
    const starts = graph.one("Mul", [graph.ints(range(heads)), size], { dtype: "int64", shape: [heads] });
    const column = graph.one("Unsqueeze", [positions, graph.ints([2])], {
      dtype: "int64",
      shape: [...positions.shape, 1],
    });
    return graph.one("Add", [column, starts], { dtype: "int64", shape: [...positions.shape, heads] });
  });
}

/**
 * [S,N,H,D] → [N,H,D], by a product with a row of ones, which takes a quarter of the time of onnxruntime's
 * sum over a first axis.
 */
function firstAxisSum(graph: Graph, x: Value): Value {
  const { dtype, shape } = x;
  const [S, rest] = [dimAt(x, 0), shape.slice(1)];
  const type: ValueType = { dtype, shape: rest };
  if (S === 1) return graph.one("Squeeze", [x, graph.ints([0])], type);
  const ones = graph.once(`${dtype} ones ${S}`, () =>
    graph.one("Expand", [graph.scalar(1, dtype), graph.shape([1, S])], { dtype, shape: [1, S] }),
  );
  const columns = product(rest);
  // In ONNX's Reshape 0 keeps the size of the axis.
  const flat = graph.one("Reshape", [x, graph.ints([0, -1])], { dtype, shape: [S, columns] });
  const sums = graph.one("Gemm", [ones, flat], { dtype, shape: [1, columns] });
  return graph.one("Reshape", [sums, graph.shape(rest, true)], type);
}

/** [size,size]: 0 up to the diagonal, MASKED above it. */
function causalMask(graph: Graph, size: Dim, type: ValueType): Value {
  const square = graph.one("Expand", [graph.scalar(MASKED, type.dtype), graph.shape([size, size])], type);
  return graph.one("Trilu", [square, graph.scalar(1, "int64")], type, { upper: 1 });
}

export const emitters: { readonly [K in OpName]: Emit<K> } = {
  add: direct("Add"),
  sub: direct("Sub"),
  mul: direct("Mul"),
  div: direct("Div"),
  min: direct("Min"),
  neg: direct("Neg"),
  exp: direct("Exp"),
  log: direct("Log"),
  sqrt: direct("Sqrt"),
  sigmoid: direct("Sigmoid"),
  tanh: direct("Tanh"),
  softplus: (graph, inputs, types) => {
    const [x, type] = [inputs[0] as Value, types[0] as ValueType];
    if (type.dtype !== "float64") return graph.node("Softplus", [x], types);
    const one = graph.scalar(1, type.dtype);
    return [graph.one("Log", [graph.one("Add", [graph.one("Exp", [x], type), one], type)], type)];
  },
  softmax: direct("Softmax", { axis: -1 }),
  gemm: (graph, [a, b], [type], transposed) => [
    matrixProduct(graph, a as Value, b as Value, type as ValueType, transposed),
  ],
  matmul: (graph, [a, b], types, { transposeA, transposeB, scale }) => {
    const left = transposeA ? swapLast(graph, a as Value) : a;
    const right = transposeB ? swapLast(graph, b as Value) : b;
    const type = types[0] as ValueType;
    // onnxruntime fuses the transpositions and the factor into the product.
    const whole = graph.one("MatMul", [left, right], type);
    return [scale === undefined ? whole : graph.one("Mul", [whole, graph.scalar(scale, type.dtype)], type)];
  },
  reshape: (graph, [x], types, { shape }) => graph.node("Reshape", [x, graph.shape(shape, true)], types),
  expand: (graph, [x], types, { shape }) => graph.node("Expand", [x, graph.shape(shape)], types),
  transpose: (graph, inputs, types, { permutation }) =>
    graph.node("Transpose", inputs, types, { perm: permutation }),
  concat: (graph, inputs, types, { axis }) => graph.node("Concat", inputs, types, { axis }),
  split: (graph, [x], types, { axis, sizes }) =>
    sizes.every((size) => typeof size === "number")
      ? graph.node("Split", [x, graph.ints(sizes as readonly number[])], types, { axis })
      : graph.node("Split", [x], types, { axis, num_outputs: sizes.length }),
  gather: direct("Gather"),
  sumById: (graph, inputs, types, { rows }) => {
    const [x, ids] = inputs as [Value, Value];
    const size = dimAt(x, 0);
    if (rows <= ONE_HOT_ROWS) {
      const hot = oneHot(graph, ids, graph.size(rows), { dtype: x.dtype, shape: [size, rows] });
      return [matrixProduct(graph, hot, x, types[0] as ValueType, { transposeA: true })];
    }
    const column = graph.one("Unsqueeze", [ids, graph.ints([1])], { dtype: "int64", shape: [size, 1] });
    const everywhere = graph.one("Expand", [column, graph.shape(x.shape)], {
      dtype: "int64",
      shape: x.shape,
    });
    const zeros = graph.one(
      "Expand",
      [graph.scalar(0, x.dtype), graph.shape((types[0] as ValueType).shape)],
      types[0] as ValueType,
    );
    return graph.node("ScatterElements", [zeros, everywhere, x], types, { axis: 0, reduction: "add" });
  },
  addInRows: (graph, inputs, types) => {
    const [x, columns, values] = inputs as [Value, Value, Value];
    const column = (of: Value): Value =>
      graph.one("Unsqueeze", [of, graph.ints([1])], { dtype: of.dtype, shape: [dimAt(x, 0), 1] });
    return graph.node("ScatterElements", [x, column(columns), column(values)], types, {
      axis: 1,
      reduction: "add",
    });
  },
  dealRows: (graph, [x, ...index], types) => {
    const [rows, heads, width] = (x as Value).shape as [Dim, number, number];
    const whole = withZeros(graph, [x as Value], 0);
    const pieces = graph.one("Reshape", [whole, graph.ints([-1, width])], {
      dtype: whole.dtype,
      shape: [product([heads, sum([rows, 1])]), width],
    });
    return index.map((rowAt, part) =>
      graph.one("Gather", [pieces, ofHeads(graph, rowAt, heads)], types[part] as ValueType),
    );
  },
  collectRows: (graph, parts, [type], { inverse }) => {
    const { dtype, shape } = type as ValueType;
    const [heads, width] = shape.slice(1) as [number, number];
    const whole = withZeros(graph, parts, 1);
    const pieces = graph.one("Reshape", [whole, graph.ints([-1, width])], {
      dtype,
      shape: [product(whole.shape.slice(0, 2)), width],
    });
    const collected = (positions: Value): Value => {
      const at = inHeads(graph, positions, heads, whole);
      return firstAxisSum(graph, graph.one("Gather", [pieces, at], { dtype, shape: [...at.shape, width] }));
    };
    const first = collected(inverse.positions);
    if (!inverse.more) return [first];
    const others = withZeros(graph, [collected(inverse.more.positions)], 0);
    return graph.node(
      "Add",
      [first, graph.one("Gather", [others, inverse.more.of], type as ValueType)],
      [type as ValueType],
    );
  },
  reduceSum: reduce("ReduceSum"),
  reduceMean: reduce("ReduceMean"),
  sumSquares: reduce("ReduceSumSquare"),
  reduceMax: reduce("ReduceMax"),
  // TopK with K = the length sorts; equal elements keep their order.
  sort: (graph, [x], types) =>
    graph.node("TopK", [x, graph.size(dimAt(x as Value, 0))], types, { axis: 0, largest: 0, sorted: 1 }),
  segmentSum: (graph, inputs, types, { count }) => {
    const [x, segments] = inputs as [Value, Value];
    const size = dimAt(x, 0);
    const dtype = x.dtype;
    // A product with the one-hot matrix, because a scatter that adds is a race on several threads.
    const hot = oneHot(graph, segments, graph.size(count), { dtype, shape: [size, count] });
    const row = graph.one("Unsqueeze", [x, graph.ints([0])], { dtype, shape: [1, size] });
    const sums = graph.one("Gemm", [row, hot], { dtype, shape: [1, count] });
    return graph.node("Squeeze", [sums, graph.ints([0])], types);
  },
  swiglu: (graph, [x, u], types) => {
    const type = types[0] as ValueType;
    const sigmoid = graph.one("Sigmoid", [x], type);
    const silu = graph.one("Mul", [x, sigmoid], type);
    return [graph.one("Mul", [silu, u], type), sigmoid, silu];
  },
  attend: (graph, inputs, types) => {
    const [scores, values] = inputs as [Value, Value];
    const [mixed, whole] = types as [ValueType, ValueType];
    const shares = graph.one("Softmax", [scores], whole, { axis: -1 });
    return [graph.one("MatMul", [shares, values], mixed), shares];
  },
  rmsNorm: (graph, inputs, types, { epsilon }) =>
    types[0]?.dtype === "float64"
      ? rmsNormByHand(graph, inputs, epsilon)
      : graph.node("RMSNormalization", inputs, types, { axis: -1, epsilon: { float: epsilon } }),
  rotary: (graph, inputs, types, { inverse }) => {
    const [x, cos, sin, positions] = inputs as [Value, Value, Value, Value];
    const signedSin = inverse ? graph.one("Neg", [sin], sin) : sin;
    if (x.dtype === "float64")
      return rotaryByHand(graph, [x, cos, signedSin, positions], types[0] as ValueType);
    return graph.node("RotaryEmbedding", [x, cos, signedSin, positions], types);
  },
  tokenLogps: (graph, inputs, types) => {
    const [logits, targets] = inputs as [Value, Value];
    const [picked, whole] = types as [ValueType, ValueType];
    const size = dimAt(targets, 0);
    const logps = graph.one("LogSoftmax", [logits], whole, { axis: -1 });
    const column = graph.one("Unsqueeze", [targets, graph.ints([1])], { dtype: "int64", shape: [size, 1] });
    const values = graph.one(
      "GatherElements",
      [logps, column],
      { dtype: logits.dtype, shape: [size, 1] },
      { axis: 1 },
    );
    return [graph.one("Squeeze", [values, graph.ints([1])], picked), logps];
  },
  // ONNX has no other way to order nodes than to use their values: it adds the others' sum times 0.
  after: (graph, [x, ...others], [type]) => {
    const sum = others.reduce((left, right) => graph.one("Add", [left, right], type as ValueType));
    const zero = graph.one("Mul", [sum, graph.scalar(0, (type as ValueType).dtype)], type as ValueType);
    return [graph.one("Add", [x, zero], type as ValueType)];
  },
  detach: direct("Identity"),
  oneHot: (graph, [ids], types, { depth }) => [
    oneHot(graph, ids as Value, graph.size(depth), types[0] as ValueType),
  ],
  greater: direct("Greater"),
  cast: (graph, inputs, types, { to }) => graph.node("Cast", inputs, types, { to: { type: to } }),
  causalMask: (graph, _, types, { size }) => [causalMask(graph, size, types[0] as ValueType)],
  count: (graph, _, types, { dims, dtype }) => {
    const size = dims.map((dim) => graph.size(dim)).reduce((a, b) => graph.one("Mul", [a, b], a));
    const scalar = graph.one("Squeeze", [size, graph.ints([0])], {
      dtype: "int64",
      shape: [] as readonly number[],
    });
    return graph.node("Cast", [scalar], types, { to: { type: dtype } });
  },
};
