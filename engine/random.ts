// A counter-based random source: value number n of a stream is a pure function of (key, n), so it can be
// computed without the values before it. Philox 4x32 with 10 rounds (Salmon et al., "Parallel random numbers:
// as easy as 1, 2, 3", 2011).
import { RatchetError } from "../errors/index.ts";

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High and low 32 bits of a 32 by 32 bit product, without BigInt. */
function multiply(a: number, b: number): [high: number, low: number] {
  const low = Math.imul(a, b) >>> 0;
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000);
  return [high >>> 0, low];
}

export type Block = [number, number, number, number];

/** Four 32-bit words from a 128-bit counter and a 64-bit key. */
export function philox(counter: Readonly<Block>, key: readonly [number, number]): Block {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(MULTIPLIER_0, c0);
    const [high1, low1] = multiply(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** One stream of uniform numbers. The seed is 16 hexadecimal digits; `stream` separates uses of one seed. */
export class Random {
  private readonly key: readonly [number, number];
  private readonly stream: number;

  constructor(seed: string, stream = 0) {
    if (!/^[0-9a-f]{16}$/.test(seed))
      throw new RatchetError(
        "unreachable_state",
        `a seed is 16 hexadecimal digits, not ${JSON.stringify(seed)}`,
      );
    this.key = [Number.parseInt(seed.slice(8), 16), Number.parseInt(seed.slice(0, 8), 16)];
    this.stream = stream;
  }

  private block(index: number): Block {
    return philox([index >>> 0, Math.floor(index / 2 ** 32), this.stream, 0], this.key);
  }

  /**
   * Number `index` of the stream, uniform in [0, 1), with 53 random bits: 26 from one word, 27 from another.
   */
  uniform(index: number): number {
    const words = this.block(index);
    return ((words[0] >>> 6) * 2 ** 27 + (words[1] >>> 5)) / 2 ** 53;
  }

  /** Number `index` of the stream, standard normal, by Box and Muller on the two halves of one block. */
  normal(index: number): number {
    const words = this.block(index);
    const radius = ((words[0] >>> 6) * 2 ** 27 + (words[1] >>> 5) + 1) / 2 ** 53;
    const angle = ((words[2] >>> 6) * 2 ** 27 + (words[3] >>> 5)) / 2 ** 53;
    return Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
  }
}

/** A permutation of 0 … count − 1, by Fisher and Yates. */
export function permutation(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random.uniform(last) * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
  return order;
}
