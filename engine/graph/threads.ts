// How many threads a graph with plain products may use without a change of bits (why they could: ops/product.ts). Decoding has few
// rows, so that the rows of zeros that make training's products safe would multiply its work; it limits the threads instead.
import { isRewardModel } from "../model/families.ts";
import type { ModelConfig } from "../model/types.ts";

/** Inner dimensions up to this are one block. */
export const block = 128;
/** Of so many columns or fewer, blocks of the inner dimension are longer. */
export const longBlockColumns = 64;
/** Columns of a share that are safe: more than those, and dealt out in sixteens. */
export const safeColumns = 80;

/** Inner dimension and columns of every product with a weight. */
function products(config: ModelConfig): [inner: number, columns: number][] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headSize, vocabSize } = config;
  return [
    [hiddenSize, (heads + 2 * kvHeads) * headSize],
    [heads * headSize, hiddenSize],
    [hiddenSize, intermediateSize],
    [intermediateSize, hiddenSize],
    [hiddenSize, isRewardModel(config) ? Infinity : vocabSize],
  ];
}

/**
 * Products of attention, in training too, are shared out by row and head first, and only then by column, of which narrow heads have one
 * share. A bucket may have a single row (model/segments.ts).
 */
export const headsAtOnce = ({ headSize, kvHeads }: Pick<ModelConfig, "headSize" | "kvHeads">): number =>
  headSize > 64 ? kvHeads : Infinity;

/** Rows up to which rather all tokens than single products are padded: few, since a micro-batch may have no more. */
const fewTokens = 256;

/** The fewest tokens of a batch with which products of tokens with weights, and of their gradients, need no rows of zeros (ops/product.ts). */
export function leastTokens(config: ModelConfig): number {
  const { hiddenSize, intermediateSize, heads, kvHeads, headSize } = config;
  const widths = [(heads + 2 * kvHeads) * headSize, heads * headSize, intermediateSize];
  const shapes = widths.flatMap(
    (width) =>
      [
        [hiddenSize, width],
        [width, hiddenSize],
      ] as const,
  );
  const beyondOneBlock = shapes.flatMap(([inner, columns]) => (inner > block ? columns : []));
  // More tokens than those, so that what has more columns can be turned round. Two: one row has a kernel of its own.
  return Math.max(
    beyondOneBlock.length > 0 ? longBlockColumns + 1 : 2,
    ...beyondOneBlock.filter((columns) => columns <= fewTokens),
  );
}

/** Small models get fewer threads than asked for; several processes use the cores better there. */
export function neutralThreads(config: ModelConfig, threads: number): number {
  const narrowest = Math.min(
    ...products(config)
      .filter(([inner]) => inner > block)
      .map(([, wide]) => wide),
  );
  return Math.max(1, Math.min(threads, headsAtOnce(config), Math.floor(narrowest / safeColumns)));
}
