// Gradients of several lanes added up.
import { Elementwise } from "../vector/elementwise.ts";

export type Sum = Elementwise<"sum" | "added">;

/** sum += added, rounded as single precision is. */
export const makeSum = (): Sum =>
  new Elementwise(["sum", "added"], [], ({ arrays, add }) => ({ sum: add(arrays.sum, arrays.added) }));
