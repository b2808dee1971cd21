// Keys and values of the rows that are being generated, in two arrays per layer. The step graph reads them;
// this class writes new keys and values in place. Row b fills its slots from 0 to length − 1, so slot =
// position, and prompts may have different lengths. A finished row is overwritten by the last one. The arrays
// are reused from batch to batch, because new memory costs more time than the values written to it. Empty
// slots hold old values: they are masked, and 0 times any finite number is 0.
// Shapes: B rows, K key/value heads, d head size, S slots. Keys and values [B,K,S,d].
import type { ModelConfig } from "../model/types.ts";

/**
 * Number of slots added at once. Fewer would move the rows more often, more would multiply with more empty
 * slots.
 */
const CHUNK = 16;
/** Added to the score of an empty slot. It is finite, so no row can become NaN. */
const MASKED = -1e30;

export class Cache {
  /** Keys, then values, of each layer. Only the first `size` elements are valid. */
  readonly blocks: Float32Array[];
  /** Changes when a shape or an array changes, but not when only their values change. */
  version = 0;
  /** Slots per row. */
  slots = 0;
  /** Live rows. */
  rows = 0;
  /** Filled slots of each live row. */
  lengths: number[] = [];
  /** Added to scores, [B, 1+S]: the token's own column, then the slots. */
  bias = new Float32Array(0);
  private readonly kvHeads: number;
  private readonly headSize: number;

  constructor({ layers, kvHeads, headSize }: ModelConfig) {
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.blocks = Array.from({ length: 2 * layers }, () => new Float32Array(0));
  }

  /** Number of valid elements of a block. */
  get size(): number {
    return this.rows * this.kvHeads * this.slots * this.headSize;
  }

  /** Begins a batch: rows with `lengths` slots to be filled by `fill`, and at least one more. */
  begin(lengths: readonly number[]): void {
    this.rows = lengths.length;
    this.lengths = [...lengths];
    this.slots = slotsFor(this.longest());
    this.blocks.forEach((block, index) => {
      if (block.length < this.size) this.blocks[index] = new Float32Array(this.size);
    });
    this.makeBias();
  }

  /** Drops all arrays. Needed after numbers that are not finite, because 0 times them is not 0. */
  clear(): void {
    this.blocks.forEach((_, index) => (this.blocks[index] = new Float32Array(0)));
  }

  /** Copies row `source` of a prefill's keys or values [U,K,T,d] into row `row`. */
  fill(block: number, row: number, source: number, from: Float32Array, positions: number): void {
    const { kvHeads: K, headSize: d, slots: S } = this;
    const sources = from.length / (K * positions * d);
    for (let head = 0; head < K; head++) {
      const start = (head * sources + source) * positions * d;
      this.blocks[block]!.set(from.subarray(start, start + this.lengths[row]! * d), (row * K + head) * S * d);
    }
  }

  /**
   * Stores the new keys and values, [K,1,d] for each row of each block, in the rows' next slots. Adds slots
   * if one row is full.
   */
  append(from: Float32Array): void {
    const { kvHeads: K, headSize: d, slots: S } = this;
    let read = 0;
    for (const to of this.blocks) {
      for (let row = 0; row < this.rows; row++) {
        for (let head = 0; head < K; head++) {
          const start = ((row * K + head) * S + this.lengths[row]!) * d;
          for (let j = 0; j < d; j++) to[start + j] = from[read++]!;
        }
      }
    }
    for (let row = 0; row < this.rows; row++) {
      const slot = this.lengths[row]!;
      this.lengths[row] = slot + 1;
      this.bias[row * (this.slots + 1) + 1 + slot] = 0;
    }
    if (this.longest() >= this.slots) this.grow();
  }

  /** Removes a row. The last row moves to its index. */
  remove(row: number): void {
    const last = --this.rows;
    this.version++;
    const size = this.kvHeads * this.headSize * this.slots;
    const width = this.slots + 1;
    if (row !== last) {
      for (const block of this.blocks) block.copyWithin(row * size, last * size, (last + 1) * size);
      this.bias.copyWithin(row * width, last * width, (last + 1) * width);
      this.lengths[row] = this.lengths[last]!;
    }
    this.lengths.length = last;
  }

  private longest(): number {
    return this.lengths.reduce((longest, length) => Math.max(longest, length), 0);
  }

  private grow(): void {
    const before = this.slots;
    this.slots = slotsFor(this.longest());
    this.blocks.forEach((block, index) => (this.blocks[index] = this.widened(block, before)));
    this.makeBias();
  }

  /**
   * Copies each head to its new offset; in place if the array is large enough. From the last head on, because
   * heads move up.
   */
  private widened(from: Float32Array, before: number): Float32Array {
    const to = from.length < this.size ? new Float32Array(this.size) : from;
    const [old, wide] = [before * this.headSize, this.slots * this.headSize];
    for (let head = this.rows * this.kvHeads - 1; head >= 0; head--) {
      if (to === from) to.copyWithin(head * wide, head * old, (head + 1) * old);
      else to.set(from.subarray(head * old, (head + 1) * old), head * wide);
    }
    return to;
  }

  private makeBias(): void {
    this.version++;
    const width = this.slots + 1;
    this.bias = new Float32Array(this.rows * width).fill(MASKED);
    this.lengths.forEach((length, row) => this.bias.fill(0, row * width, row * width + 1 + length));
  }
}

/** At least one free slot beyond `length`. */
function slotsFor(length: number): number {
  return Math.ceil((length + 1) / CHUNK) * CHUNK;
}
