// Keys and values of the rows that are being generated, one pair of arrays per layer, owned by us and only read by the step graph.
// Row b fills its slots from 0 to length − 1, so that slot = position and rows of any prompt lengths stand side by side; a new key and
// value are written in place; a finished row is overwritten by the last one. Nothing is copied but when all slots are full.
// Shapes: B rows, K key/value heads, d head size, S slots. Keys [B,K,d,S], values [B,K,S,d].
import type { ModelConfig } from "../model/types.ts";

/** Slots are added by the chunk: a smaller one copies more often, a larger one multiplies by more empty columns. */
const chunk = 16;
/** Added to the score of an empty slot; finite, so that no row can become NaN. */
const masked = -1e30;

export interface LayerCache {
  keys: Float32Array;
  values: Float32Array;
}

export class Cache {
  readonly layers: LayerCache[];
  /** Slots per row. */
  slots: number;
  /** Live rows. */
  rows: number;
  /** Filled slots of each live row. */
  readonly lengths: number[];
  /** [B, 1+S]: the token's own column, then the slots. */
  bias: Float32Array;
  private readonly kvHeads: number;
  private readonly headSize: number;

  constructor(config: ModelConfig, lengths: readonly number[]) {
    this.kvHeads = config.kvHeads;
    this.headSize = config.headSize;
    this.rows = lengths.length;
    this.lengths = [...lengths];
    this.slots = slotsFor(Math.max(...lengths));
    this.layers = Array.from({ length: config.layers }, () => this.emptyLayer(this.slots));
    this.bias = this.makeBias();
  }

  /** Copies row `source` of a prefill's keys and values, each [U,K,T,d], into row `row`. */
  fill(layer: number, row: number, source: number, keys: Float32Array, values: Float32Array, positions: number): void {
    const { kvHeads: K, headSize: d, slots: S } = this;
    const length = this.lengths[row]!;
    const to = this.layers[layer]!;
    for (let head = 0; head < K; head++) {
      const from = (source * K + head) * positions * d;
      const base = (row * K + head) * d * S;
      to.values.set(values.subarray(from, from + length * d), base);
      for (let t = 0; t < length; t++) for (let j = 0; j < d; j++) to.keys[base + j * S + t] = keys[from + t * d + j]!;
    }
  }

  /** Stores the new key and value of every row, each [B,K,1,d], in its next slot. */
  append(layer: number, keys: Float32Array, values: Float32Array): void {
    const { kvHeads: K, headSize: d, slots: S } = this;
    const { keys: toKeys, values: toValues } = this.layers[layer]!;
    for (let row = 0, from = 0; row < this.rows; row++) {
      const slot = this.lengths[row]!;
      for (let head = 0; head < K; head++) {
        const base = (row * K + head) * d * S;
        const valueBase = base + slot * d;
        for (let j = 0, key = base + slot; j < d; j++, from++, key += S) {
          toKeys[key] = keys[from]!;
          toValues[valueBase + j] = values[from]!;
        }
      }
    }
  }

  /** After `append` on every layer: the slots just written count as filled; makes room where a row has none left. */
  advance(): void {
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
    const size = this.kvHeads * this.headSize * this.slots;
    const width = this.slots + 1;
    if (row !== last) {
      for (const { keys, values } of this.layers) {
        keys.copyWithin(row * size, last * size, (last + 1) * size);
        values.copyWithin(row * size, last * size, (last + 1) * size);
      }
      this.bias.copyWithin(row * width, last * width, (last + 1) * width);
      this.lengths[row] = this.lengths[last]!;
    }
    this.lengths.length = last;
  }

  private longest(): number {
    return this.lengths.reduce((longest, length) => Math.max(longest, length), 0);
  }

  private emptyLayer(slots: number): LayerCache {
    const size = this.rows * this.kvHeads * this.headSize * slots;
    return { keys: new Float32Array(size), values: new Float32Array(size) };
  }

  private grow(): void {
    const { slots: old, headSize: d } = this;
    const heads = this.rows * this.kvHeads;
    const slots = slotsFor(this.longest());
    for (const [index, from] of this.layers.entries()) {
      const to = this.emptyLayer(slots);
      for (let head = 0; head < heads; head++) to.values.set(from.values.subarray(head * old * d, (head + 1) * old * d), head * slots * d);
      // Lines are short: a plain loop beats a call per line.
      for (let line = 0; line < heads * d; line++) for (let t = 0; t < old; t++) to.keys[line * slots + t] = from.keys[line * old + t]!;
      this.layers[index] = to;
    }
    this.slots = slots;
    this.bias = this.makeBias();
  }

  private makeBias(): Float32Array {
    const width = this.slots + 1;
    const bias = new Float32Array(this.rows * width).fill(masked);
    this.lengths.forEach((length, row) => bias.fill(0, row * width, row * width + 1 + length));
    return bias;
  }
}

/** At least one free slot beyond `length`. */
function slotsFor(length: number): number {
  return Math.ceil((length + 1) / chunk) * chunk;
}
