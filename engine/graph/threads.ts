// The number of threads with which plain products have the same bits as on one thread (ops/product.ts says
// why bits depend on threads). Training pads its products with rows of zeros instead. Decoding has few rows,
// so padding would multiply its work: it limits the threads.
import { isRewardModel } from "../model/families.ts";
import type { ModelConfig } from "../model/types.ts";

/** Longest inner dimension that onnxruntime sums in one block. */
export const BLOCK = 128;
/** With at most so many columns in a thread's share, blocks of the inner dimension are longer. */
export const LONG_BLOCK_COLUMNS = 64;
/**
 * Columns per thread that suffice for a share above LONG_BLOCK_COLUMNS, because shares are multiples of 16.
 */
export const SAFE_COLUMNS = 80;

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
 * The most threads for attention's products, also in training. onnxruntime splits them among threads by row
 * and head first, then by column. A head of at most 64 columns is never split. With wider heads, threads must
 * not outnumber the heads, because a bucket may have a single row.
 */
export const headsAtOnce = ({ headSize, kvHeads }: Pick<ModelConfig, "headSize" | "kvHeads">): number =>
  headSize > 64 ? kvHeads : Infinity;

/**
 * Most tokens to which a whole batch is padded; beyond, single products are padded. It is low, because a
 * micro-batch may be small.
 */
const PADDED_TOKENS_MAX = 256;

/**
 * The fewest tokens with which products of tokens with weights, and their gradients, need no rows of zeros
 * (ops/product.ts).
 */
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
  const beyondOneBlock = shapes.flatMap(([inner, columns]) => (inner > BLOCK ? columns : []));
  // Enough tokens for every product that has more columns than rows to be transposed. At least 2, because one
  // row has another kernel.
  return Math.max(
    beyondOneBlock.length > 0 ? LONG_BLOCK_COLUMNS + 1 : 2,
    ...beyondOneBlock.filter((columns) => columns <= PADDED_TOKENS_MAX),
  );
}

/**
 * At most `threads` threads for plain products. Small models get fewer; several processes use the cores
 * better then.
 */
export function neutralThreads(config: ModelConfig, threads: number): number {
  const narrowest = Math.min(
    ...products(config)
      .filter(([inner]) => inner > BLOCK)
      .map(([, wide]) => wide),
  );
  return Math.max(1, Math.min(threads, headsAtOnce(config), Math.floor(narrowest / SAFE_COLUMNS)));
}
