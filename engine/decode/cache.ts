// Keys and values of the rows that are being generated, two arrays per layer, owned by us and only read by the step graph.
// Row b fills its slots from 0 to length − 1, so that slot = position and rows of any prompt lengths stand side by side; a new key and
// value are written in place; a finished row is overwritten by the last one. The arrays are kept from batch to batch: fresh memory
// costs more than what is written into it. Empty slots hold what was there: they are masked, and 0 times any finite number is 0.
// Shapes: B rows, K key/value heads, d head size, S slots. Keys and values [B,K,S,d].
import type { ModelConfig } from "../model/types.ts";

/** Slots are added by the chunk: a smaller one moves the rows more often, a larger one multiplies by more empty slots. */
const chunk = 16;
/** Added to the score of an empty slot; finite, so that no row can become NaN. */
const masked = -1e30;

export class Cache {
  /** Keys and values of each layer in turn; the first `size` elements count. */
  readonly blocks: Float32Array[];
  /** Changes with the shapes and with the arrays themselves, not with what they hold. */
  version = 0;
  /** Slots per row. */
  slots = 0;
  /** Live rows. */
  rows = 0;
  /** Filled slots of each live row. */
  lengths: number[] = [];
  /** [B, 1+S]: the token's own column, then the slots. */
  bias = new Float32Array(0);
  private readonly kvHeads: number;
  private readonly headSize: number;

  constructor({ layers, kvHeads, headSize }: ModelConfig) {
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.blocks = Array.from({ length: 2 * layers }, () => new Float32Array(0));
  }

  /** Elements of a block that count. */
  get size(): number {
    return this.rows * this.kvHeads * this.slots * this.headSize;
  }

  /** Empty rows with room for `lengths` and one slot more, to be filled. */
  begin(lengths: readonly number[]): void {
    this.rows = lengths.length;
    this.lengths = [...lengths];
    this.slots = slotsFor(this.longest());
    this.blocks.forEach((block, index) => {
      if (block.length < this.size) this.blocks[index] = new Float32Array(this.size);
    });
    this.makeBias();
  }

  /** Forgets everything: after numbers that were not finite, stale slots are not harmless. */
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

  /** Stores the new keys and values of every row, [K,1,d] for each row of each block, in its next slot; makes room where none is left. */
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

  /** Drops a row; the last row takes its place. */
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

  /** Moves the heads apart, in place where there is room: from the last one on, since each moves up. */
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
    this.bias = new Float32Array(this.rows * width).fill(masked);
    this.lengths.forEach((length, row) => this.bias.fill(0, row * width, row * width + 1 + length));
  }
}

/** At least one free slot beyond `length`. */
function slotsFor(length: number): number {
  return Math.ceil((length + 1) / chunk) * chunk;
}
