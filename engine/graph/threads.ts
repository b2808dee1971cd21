// How many threads a forward graph may use without a change of bits.
// onnxruntime's product kernel (MLAS, SgemmOperation) adds up the inner dimension in blocks, and the block is longer where a thread is
// given 64 columns or fewer of the result. It deals out columns where the result has more columns than rows, as in decoding. So with
// an inner dimension beyond one block (128), the sums are rounded alike on any number of threads only as long as each has more columns.
import type { ModelConfig } from "../model/types.ts";

/** Inner dimensions up to this are one block. */
const block = 128;
/** Columns per thread that are safe: more than 64, and dealt out in sixteens. */
const columns = 80;

/** Inner dimension and columns of every product with a weight. */
function products(config: ModelConfig): [inner: number, columns: number][] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headSize, vocabSize } = config;
  return [
    [hiddenSize, (heads + 2 * kvHeads) * headSize],
    [heads * headSize, hiddenSize],
    [hiddenSize, 2 * intermediateSize],
    [intermediateSize, hiddenSize],
    [hiddenSize, vocabSize],
  ];
}

/** Small models get fewer threads than asked for; several processes use the cores better there. */
export function neutralThreads(config: ModelConfig, threads: number): number {
  const narrowest = Math.min(...products(config).filter(([inner]) => inner > block).map(([, wide]) => wide));
  return Math.max(1, Math.min(threads, Math.floor(narrowest / columns)));
}
