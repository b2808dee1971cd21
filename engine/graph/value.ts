// Typed values of a graph. A dimension is a number, or a symbol whose size is known when the graph runs:
// `B`, `T`, products such as `8*B*T` (canonical: the number first, symbols sorted), sums such as `(M+1)`.
import { RatchetError } from "../../errors/index.ts";

export type DType = "float32" | "float64" | "int64" | "bool";

export type Dim = number | string;
export type Shape = readonly Dim[];

export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The type of a value. */
export interface ValueType {
  dtype: DType;
  shape: Shape;
}

export interface Tensor {
  dtype: DType;
  shape: readonly number[];
  data: Float32Array | Float64Array | BigInt64Array | Uint8Array;
}

/** Number and symbols of a product: `8*B*T` is {factor: 8, symbols: ["B", "T"]}. */
export function factors(dim: Dim): { factor: number; symbols: string[] } {
  if (typeof dim === "number") return { factor: dim, symbols: [] };
  const parts = dim.split("*");
  const head = Number(parts[0]);
  return Number.isNaN(head) ? { factor: 1, symbols: parts } : { factor: head, symbols: parts.slice(1) };
}

/** The number of elements of a shape, as one dimension. */
export function product(shape: Shape): Dim {
  let factor = 1;
  const symbols: string[] = [];
  for (const dim of shape) {
    const of = factors(dim);
    factor *= of.factor;
    symbols.push(...of.symbols);
  }
  if (symbols.length === 0 || factor === 0) return factor;
  symbols.sort();
  return (factor === 1 ? symbols : [String(factor), ...symbols]).join("*");
}

export function sum(dims: readonly Dim[]): Dim {
  if (dims.every((dim) => dim === dims[0])) return product([dims.length, dims[0] ?? 0]);
  if (dims.every((dim) => typeof dim === "number"))
    return dims.reduce<number>((total, dim) => total + (dim as number), 0);
  return `(${dims.join("+")})`;
}

/** A dimension divided into `parts` equal pieces. */
export function divide(dim: Dim, parts: number): Dim {
  const { factor, symbols } = factors(dim);
  if (factor % parts !== 0)
    throw new RatchetError("shape_mismatch", `dimension ${dim} does not divide by ${parts}`);
  return product([factor / parts, ...symbols]);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => dim === b[axis]);
}

/** The shape of an elementwise operation on both, by numpy's rules. */
export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new RatchetError("shape_mismatch", `[${a}] and [${b}] do not broadcast`);
    return left === 1 ? right : left;
  });
}

export function dimAt(value: { shape: Shape }, axis: number): Dim {
  const dim = value.shape[axis < 0 ? value.shape.length + axis : axis];
  if (dim === undefined) throw new RatchetError("shape_mismatch", `[${value.shape}] has no axis ${axis}`);
  return dim;
}

/** A dimension that must be known when the graph is built. */
export function fixedDimAt(value: { shape: Shape }, axis: number): number {
  const dim = dimAt(value, axis);
  if (typeof dim !== "number")
    throw new RatchetError("shape_mismatch", `axis ${axis} of [${value.shape}] must be fixed`);
  return dim;
}
