// What is computed of some arrays' numbers at one place, as the code of one WebAssembly function that goes over all places, four at a time.
import { everySixteenBytes, get, load, moduleOf, number, set, simd, store, types } from "./wasm.ts";
import type { Bytes } from "./wasm.ts";

/** The code that leaves four numbers. */
export type Vector = Bytes;

/** Below it numbers are denormal. */
const smallestNormal = 2 ** -126;

/** Locals of the function: bytes to go through, the scalars, the place in the arrays in bytes, vectors. */
export class Formula<Name extends string, Scalar extends string> {
  readonly arrays: Record<Name, Vector>;
  readonly scalars: Record<Scalar, Vector>;
  private readonly names: readonly Name[];
  /** Bytes that each array has in the memory, one after the other. */
  private readonly stride: number;
  private readonly place: number;
  private vectors = 0;
  private readonly before: number[] = [];
  private readonly inside: number[] = [];

  constructor(names: readonly Name[], scalars: readonly Scalar[], stride: number) {
    this.names = names;
    this.stride = stride;
    this.place = 1 + scalars.length;
    this.arrays = Object.fromEntries(
      names.map((name, index) => [name, load(get(this.place), stride * index)]),
    ) as Record<Name, Vector>;
    this.scalars = Object.fromEntries(
      scalars.map((name, index) => [name, this.kept(this.before, simd("splat", get(1 + index)))]),
    ) as Record<Scalar, Vector>;
  }

  add = (a: Vector, b: Vector): Vector => simd("add", a, b);
  sub = (a: Vector, b: Vector): Vector => simd("sub", a, b);
  mul = (a: Vector, b: Vector): Vector => simd("mul", a, b);
  div = (a: Vector, b: Vector): Vector => simd("div", a, b);
  sqrt = (a: Vector): Vector => simd("sqrt", a);
  constant = (value: number): Vector => this.kept(this.before, simd("splat", number(value)));
  /** The same value where it is needed more than once. */
  once = (value: Vector): Vector => this.kept(this.inside, value);

  /** Zero in place of a denormal number, as onnxruntime is told to have it (graph/session.ts): a processor takes many times as long for those. */
  flushed = (value: Vector): Vector => {
    const known = this.once(value);
    // What is less goes, and not: what is at least that stays. NaN is neither.
    return this.once(simd("andNot", known, simd("less", simd("abs", known), this.constant(smallestNormal))));
  };

  /** The module whose function writes these over the numbers of their arrays. */
  module(next: Partial<Record<Name, Vector>>): Uint8Array<ArrayBuffer> {
    const known = this.names.map((name) => next[name] && this.once(next[name]));
    const stores = known.flatMap((value, index) =>
      value ? store(get(this.place), this.stride * index, value) : [],
    );
    const body = [...this.before, ...everySixteenBytes(this.place, 0, [...this.inside, ...stores])];
    const parameters = [types.i32, ...Array.from({ length: this.place - 1 }, () => types.f32)];
    const locals = [types.i32, ...Array.from({ length: this.vectors }, () => types.v128)];
    return moduleOf({ parameters, locals, body }, this.stride * this.names.length);
  }

  private kept(where: number[], value: Vector): Vector {
    const local = this.place + 1 + this.vectors++;
    where.push(...set(local, value));
    return get(local);
  }
}
