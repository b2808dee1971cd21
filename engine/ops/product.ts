// Matrix products whose bits do not depend on the number of threads.
// onnxruntime's kernel (MLAS, SgemmOperation) sums the inner dimension in blocks of at least 128, and in longer ones where it computes 64
// columns or fewer. With several threads it deals out the columns of a result that has more columns than rows, else its rows: then
// a thread's share can be narrow enough for another block length, and the sums round differently. Rows are always safe. So a product
// of more than one block is given at least as many rows as columns: turned round where both are known and a is transposed, or where that is seen
// when the graph runs; else, if shares can be that narrow, with rows of zeros.
// A matrix times one column has a kernel of its own, which sums the last rows of a thread's share in another order; it is not taken
// when the column is given as a row to be transposed. One row times a matrix is safe.
import type { Graph } from "../graph/graph.ts";
import { block, longBlockColumns, safeColumns } from "../graph/threads.ts";
import { dimAt } from "../graph/value.ts";
import type { Dim, Value, ValueType } from "../graph/value.ts";

/** Columns are dealt out by sixteen: fewer are never shared out, and with more than these 31 threads have over 64 each. */
const narrow = 16;
const wide = 2048;
/** Shares for each thread: onnxruntime makes so many where cores are of two kinds, else one. */
const sharesPerThread = 4;

interface Transposed {
  transposeA?: boolean;
  transposeB?: boolean;
}

function gemm(
  graph: Graph,
  a: Value,
  b: Value,
  type: ValueType,
  { transposeA, transposeB }: Transposed,
): Value {
  return graph.one("Gemm", [a, b], type, { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
}

/** Zeros below `x`, so that it has `rows` rows at least when the graph runs. */
function padRows(graph: Graph, x: Value, rows: number): Value {
  const int: ValueType = { dtype: "int64", shape: [1] };
  const missing = graph.one(
    "Max",
    [graph.one("Sub", [graph.ints([rows]), graph.size(dimAt(x, 0))], int), graph.ints([0])],
    int,
  );
  const pads = graph.one(
    "Concat",
    [graph.ints([0, 0]), missing, graph.ints([0])],
    { dtype: "int64", shape: [4] },
    { axis: 0 },
  );
  return graph.one("Pad", [x, pads], { dtype: x.dtype, shape: ["padded", dimAt(x, 1)] });
}

/** The same product as (bᵀ aᵀ)ᵀ. */
function turned(
  graph: Graph,
  a: Value,
  b: Value,
  type: ValueType,
  { transposeA, transposeB }: Transposed,
): Value {
  const [rows, columns] = type.shape as [Dim, Dim];
  const y = gemm(
    graph,
    b,
    a,
    { dtype: type.dtype, shape: [columns, rows] },
    { transposeA: !transposeB, transposeB: !transposeA },
  );
  return graph.one("Transpose", [y], type, { perm: [1, 0] });
}

/** Turned round where the rows are fewer than the columns when the graph runs. */
function byRows(graph: Graph, a: Value, b: Value, type: ValueType, transposed: Transposed): Value {
  const [rows, columns] = type.shape as [Dim, number];
  const isFlat = graph.once(`${rows} < ${columns}`, () => {
    const less = graph.one("Less", [graph.size(rows), graph.ints([columns])], { dtype: "bool", shape: [1] });
    return graph.one("Squeeze", [less], { dtype: "bool", shape: [] });
  });
  return graph.either(isFlat, type, {
    yes: () => turned(graph, a, b, type, transposed),
    no: () => gemm(graph, a, b, type, transposed),
  });
}

/** a or aᵀ times b or bᵀ. */
export function product(graph: Graph, a: Value, b: Value, type: ValueType, transposed: Transposed): Value {
  const [rows, columns] = type.shape as [Dim, Dim];
  const inner = dimAt(a, transposed.transposeA ? 0 : 1);
  if (graph.threads === "few") return gemm(graph, a, b, type, transposed);
  if (columns === 1 && !transposed.transposeA && !transposed.transposeB) {
    const row = graph.one("Reshape", [b, graph.ints([1, -1])], { dtype: b.dtype, shape: [1, inner] });
    return gemm(graph, a, row, type, { transposeB: true });
  }
  const oneBlock = typeof inner === "number" && inner <= block;
  if (oneBlock || rows === 1 || typeof columns !== "number" || columns <= narrow || columns > wide)
    return gemm(graph, a, b, type, transposed);
  const isTurned = typeof rows === "number" && transposed.transposeA;
  // Where nothing is dealt out or no share is narrow; but one row has a kernel of its own, and what is turned round may have other blocks.
  const isSafe =
    !isTurned && (graph.threads === 1 || columns >= graph.threads * sharesPerThread * safeColumns);
  if (graph.leastOf(rows) >= (isSafe ? 2 : columns)) return gemm(graph, a, b, type, transposed);
  if (isTurned) return turned(graph, a, b, type, transposed);
  if (transposed.transposeA) return gemm(graph, a, b, type, transposed);
  if (graph.leastOf(rows) > longBlockColumns) return byRows(graph, a, b, type, transposed);
  const padded = gemm(
    graph,
    padRows(graph, a, columns),
    b,
    { dtype: type.dtype, shape: ["padded", columns] },
    transposed,
  );
  return graph.one("Slice", [padded, graph.ints([0]), graph.size(rows), graph.ints([0])], type);
}
