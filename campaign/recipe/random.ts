// A small random generator with the same numbers on every machine: xoshiro128** 1.1 (Blackman and Vigna,
// public domain). Its 128 bits of state are from the SHA-256 of the seed. For choices and resampling; the
// engine samples tokens with its own generator.
import { createHash } from "node:crypto";

const rotate = (value: number, by: number): number => ((value << by) | (value >>> (32 - by))) >>> 0;

export class Random {
  private readonly state: Uint32Array;
  /** Cached for the last bound, because resampling uses one bound a million times. */
  private limit = { bound: 0, value: 0 };

  constructor(seed: string) {
    const digest = createHash("sha256").update(seed).digest();
    this.state = Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
  }

  /** Uniform over 0 … 2³²−1. */
  uint32(): number {
    const s = this.state as unknown as [number, number, number, number];
    const result = Math.imul(rotate(Math.imul(s[1], 5) >>> 0, 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return result;
  }

  /**
   * Uniform over 0 … bound−1. Values of the incomplete last cycle are rejected, so there is no modulo bias.
   */
  below(bound: number): number {
    if (bound !== this.limit.bound) this.limit = { bound, value: 2 ** 32 - (2 ** 32 % bound) };
    const limit = this.limit.value;
    for (;;) {
      const value = this.uint32();
      if (value < limit) return value % bound;
    }
  }

  /** Uniform over [0, 1), 53 bits. */
  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }
}
