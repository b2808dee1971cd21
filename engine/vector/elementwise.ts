// A formula over long arrays in one pass. onnxruntime would take one pass per operation, and a dozen passes
// over all weights are a tenth of a large model's step. WebAssembly rounds every operation to single
// precision and never fuses two into one rounding, so the bits are the same on every processor and those of
// onnxruntime's operations.
import { Formula } from "./formula.ts";
import type { Vector } from "./formula.ts";
import { pagesOf } from "./wasm.ts";

/** Numbers per array and pass: a chunk of a formula's few arrays fits into a core's second-level cache. */
const CHUNK = 2 ** 14;

export class Elementwise<Name extends string, Scalar extends string = never> {
  private readonly names: readonly Name[];
  private readonly scalars: readonly Scalar[];
  /** Arrays that the formula changes. */
  private readonly changed: readonly Name[];
  /** A chunk of each array in the function's memory. */
  private readonly windows: Record<Name, Float32Array>;
  private readonly work: (bytes: number, ...scalars: number[]) => void;

  /** `next`: the formulas of the arrays that change. */
  constructor(
    names: readonly Name[],
    scalars: readonly Scalar[],
    next: (formula: Formula<Name, Scalar>) => Partial<Record<Name, Vector>>,
  ) {
    const stride = 4 * CHUNK;
    const formula = new Formula(names, scalars, stride);
    const results = next(formula);
    this.names = names;
    this.scalars = scalars;
    this.changed = names.filter((name) => results[name]);
    const memory = new WebAssembly.Memory({ initial: pagesOf(stride * names.length) });
    this.windows = Object.fromEntries(
      names.map((name, index) => [name, new Float32Array(memory.buffer, stride * index, CHUNK)]),
    ) as Record<Name, Float32Array>;
    this.work = new WebAssembly.Instance(new WebAssembly.Module(formula.module(results)), {
      host: { memory },
    }).exports.run;
  }

  /** Changes the numbers `from` to `to` − 1. All arrays have one length. */
  run(
    arrays: Record<Name, Float32Array>,
    scalars: Record<Scalar, number>,
    from = 0,
    to = arrays[this.names[0] as Name].length,
  ): void {
    const values = this.scalars.map((name) => scalars[name]);
    for (let at = from; at < to; at += CHUNK) {
      const end = Math.min(to, at + CHUNK);
      for (const name of this.names) this.windows[name].set(arrays[name].subarray(at, end));
      // The last vector may hold numbers of the chunk before; they are not copied back.
      this.work(16 * Math.ceil((end - at) / 4), ...values);
      for (const name of this.changed) arrays[name].set(this.windows[name].subarray(0, end - at), at);
    }
  }
}
