// Adds the gradients of data-parallel workers.
import { Elementwise } from "../vector/elementwise.ts";

export type Sum = Elementwise<"sum" | "added">;

/** sum += added, in single precision. */
export const makeSum = (): Sum =>
  new Elementwise(["sum", "added"], [], ({ arrays, add }) => ({ sum: add(arrays.sum, arrays.added) }));
