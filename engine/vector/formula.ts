// A formula over arrays as the code of one WebAssembly function, which computes four elements at a time.
import { everySixteenBytes, get, load, moduleOf, number, set, simd, store, types } from "./wasm.ts";
import type { Bytes } from "./wasm.ts";

/** Code that pushes a vector of four numbers onto the stack. */
export type Vector = Bytes;

/** Smaller numbers are denormal. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * Locals of the function, in order: number of bytes, the scalars, the offset in the arrays in bytes, vectors.
 */
export class Formula<Name extends string, Scalar extends string> {
  readonly arrays: Record<Name, Vector>;
  readonly scalars: Record<Scalar, Vector>;
  private readonly names: readonly Name[];
  /** Bytes per array; the arrays are consecutive in memory. */
  private readonly stride: number;
  private readonly offset: number;
  private vectors = 0;
  /** Code before the loop. */
  private readonly before: number[] = [];
  /** Code inside the loop. */
  private readonly inside: number[] = [];

  constructor(names: readonly Name[], scalars: readonly Scalar[], stride: number) {
    this.names = names;
    this.stride = stride;
    this.offset = 1 + scalars.length;
    this.arrays = Object.fromEntries(
      names.map((name, index) => [name, load(get(this.offset), stride * index)]),
    ) as Record<Name, Vector>;
    this.scalars = Object.fromEntries(
      scalars.map((name, index) => [name, this.local(this.before, simd("splat", get(1 + index)))]),
    ) as Record<Scalar, Vector>;
  }

  add = (a: Vector, b: Vector): Vector => simd("add", a, b);
  sub = (a: Vector, b: Vector): Vector => simd("sub", a, b);
  mul = (a: Vector, b: Vector): Vector => simd("mul", a, b);
  div = (a: Vector, b: Vector): Vector => simd("div", a, b);
  sqrt = (a: Vector): Vector => simd("sqrt", a);
  constant = (value: number): Vector => this.local(this.before, simd("splat", number(value)));
  /** Computes a value once that is used several times. */
  once = (value: Vector): Vector => this.local(this.inside, value);

  /**
   * Denormal numbers as zeros, as in onnxruntime's sessions (graph/session.ts): processors are many times
   * slower with them.
   */
  flushed = (value: Vector): Vector => {
    const known = this.once(value);
    // Clears numbers that are less, instead of keeping those that are not: NaN is neither, and must stay.
    return this.once(simd("andNot", known, simd("less", simd("abs", known), this.constant(SMALLEST_NORMAL))));
  };

  /** The module of a function that overwrites arrays with their formulas. */
  module(next: Partial<Record<Name, Vector>>): Uint8Array<ArrayBuffer> {
    const known = this.names.map((name) => next[name] && this.once(next[name]));
    const stores = known.flatMap((value, index) =>
      value ? store(get(this.offset), this.stride * index, value) : [],
    );
    const body = [...this.before, ...everySixteenBytes(this.offset, 0, [...this.inside, ...stores])];
    const parameters = [types.i32, ...Array.from({ length: this.offset - 1 }, () => types.f32)];
    const locals = [types.i32, ...Array.from({ length: this.vectors }, () => types.v128)];
    return moduleOf({ parameters, locals, body }, this.stride * this.names.length);
  }

  private local(where: number[], value: Vector): Vector {
    const local = this.offset + 1 + this.vectors++;
    where.push(...set(local, value));
    return get(local);
  }
}
