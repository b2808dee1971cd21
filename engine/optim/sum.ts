// Gradients of several lanes added up.
import { Elementwise } from "../vector/elementwise.ts";

const sum = new Elementwise(["sum", "added"], [], ({ arrays, add }) => ({ sum: add(arrays.sum, arrays.added) }));

/** sum += added, rounded as single precision is. */
export function addTo(sum_N: Float32Array, added_N: Float32Array): void {
  sum.run({ sum: sum_N, added: added_N }, {});
}
