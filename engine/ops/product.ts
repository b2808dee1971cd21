// Matrix products whose bits do not depend on the number of threads.
//
// onnxruntime's kernel (MLAS, SgemmOperation) sums the inner dimension in blocks of 128, and in longer blocks
// if it computes at most 64 columns. With several threads it splits the columns of a result that has more
// columns than rows, else its rows. A thread's share of the columns can be narrow enough for longer blocks,
// and then its sums round differently. Splitting rows is always safe.
//
// So a product of more than one block gets at least as many rows as columns. It is transposed if both are
// known and a is transposed, or if the graph sees at run time that it must be. Otherwise, if a share could be
// that narrow, it is padded with rows of zeros.
//
// A matrix times one column has a kernel of its own, which sums the last rows of a thread's share in another
// order. onnxruntime does not use that kernel if the column is a transposed row. One row times a matrix is
// safe.
import type { Graph } from "../graph/graph.ts";
import { BLOCK, LONG_BLOCK_COLUMNS, SAFE_COLUMNS } from "../graph/threads.ts";
import { dimAt } from "../graph/value.ts";
import type { Dim, Value, ValueType } from "../graph/value.ts";

/** Shares of columns are multiples of 16, so at most 16 columns are never split. */
const NARROW_COLUMNS = 16;
/** With more columns than these, each of 31 threads has over 64. */
const WIDE_COLUMNS = 2048;
/** onnxruntime makes so many shares per thread on processors with two kinds of cores, else one. */
const SHARES_PER_THREAD = 4;

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

/** `x` with zeros below, so that it has at least `rows` rows at run time. */
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
function asTransposed(
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

/** Transposed if the rows are fewer than the columns at run time. */
function byRows(graph: Graph, a: Value, b: Value, type: ValueType, transposed: Transposed): Value {
  const [rows, columns] = type.shape as [Dim, number];
  const isFlat = graph.once(`${rows} < ${columns}`, () => {
    const less = graph.one("Less", [graph.size(rows), graph.ints([columns])], { dtype: "bool", shape: [1] });
    return graph.one("Squeeze", [less], { dtype: "bool", shape: [] });
  });
  return graph.either(isFlat, type, {
    yes: () => asTransposed(graph, a, b, type, transposed),
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
  const oneBlock = typeof inner === "number" && inner <= BLOCK;
  if (
    oneBlock ||
    rows === 1 ||
    typeof columns !== "number" ||
    columns <= NARROW_COLUMNS ||
    columns > WIDE_COLUMNS
  )
    return gemm(graph, a, b, type, transposed);
  const isTransposed = typeof rows === "number" && transposed.transposeA;
  // No share is narrow, because the columns are not split or are many. Not if transposed: blocks may then
  // differ.
  const isSafe =
    !isTransposed && (graph.threads === 1 || columns >= graph.threads * SHARES_PER_THREAD * SAFE_COLUMNS);
  // At least 2 rows, because one row has another kernel.
  if (graph.leastOf(rows) >= (isSafe ? 2 : columns)) return gemm(graph, a, b, type, transposed);
  if (isTransposed) return asTransposed(graph, a, b, type, transposed);
  if (transposed.transposeA) return gemm(graph, a, b, type, transposed);
  if (graph.leastOf(rows) > LONG_BLOCK_COLUMNS) return byRows(graph, a, b, type, transposed);
  const padded = gemm(
    graph,
    padRows(graph, a, columns),
    b,
    { dtype: type.dtype, shape: ["padded", columns] },
    transposed,
  );
  return graph.one("Slice", [padded, graph.ints([0]), graph.size(rows), graph.ints([0])], type);
}
