// One pass over long arrays where onnxruntime takes one for each operation: it has no operation that fuses others, and a dozen passes
// over all weights are a tenth of a large model's step. WebAssembly's operations round as single precision does and are never fused into
// one rounding, so that the bits are those of one operation after the other, on any processor.
import { Formula } from "./formula.ts";
import type { Vector } from "./formula.ts";
import { pagesOf } from "./wasm.ts";

/** Numbers of an array that are worked on at once: what a formula needs of its few arrays stays in a core's second cache. */
const chunk = 2 ** 14;

export class Elementwise<Name extends string, Scalar extends string = never> {
  private readonly names: readonly Name[];
  private readonly scalars: readonly Scalar[];
  /** Arrays that the formula changes. */
  private readonly changed: readonly Name[];
  /** A chunk of each array in the function's memory. */
  private readonly windows: Record<Name, Float32Array>;
  private readonly work: (bytes: number, ...scalars: number[]) => void;

  /** `next` gives the next numbers of those arrays that change. */
  constructor(
    names: readonly Name[],
    scalars: readonly Scalar[],
    next: (formula: Formula<Name, Scalar>) => Partial<Record<Name, Vector>>,
  ) {
    const stride = 4 * chunk;
    const formula = new Formula(names, scalars, stride);
    const results = next(formula);
    this.names = names;
    this.scalars = scalars;
    this.changed = names.filter((name) => results[name]);
    const memory = new WebAssembly.Memory({ initial: pagesOf(stride * names.length) });
    this.windows = Object.fromEntries(
      names.map((name, index) => [name, new Float32Array(memory.buffer, stride * index, chunk)]),
    ) as Record<Name, Float32Array>;
    this.work = new WebAssembly.Instance(new WebAssembly.Module(formula.module(results)), {
      host: { memory },
    }).exports.run;
  }

  /** Changes numbers `from` to `to` of the arrays, which are of one length. */
  run(
    arrays: Record<Name, Float32Array>,
    scalars: Record<Scalar, number>,
    from = 0,
    to = arrays[this.names[0] as Name].length,
  ): void {
    const values = this.scalars.map((name) => scalars[name]);
    for (let at = from; at < to; at += chunk) {
      const end = Math.min(to, at + chunk);
      for (const name of this.names) this.windows[name].set(arrays[name].subarray(at, end));
      // Behind the last number of a vector that is not full stands what was there before.
      this.work(16 * Math.ceil((end - at) / 4), ...values);
      for (const name of this.changed) arrays[name].set(this.windows[name].subarray(0, end - at), at);
    }
  }
}
