import assert from "node:assert/strict";
import { it } from "node:test";
import { permutation, philox, Random } from "./random.ts";

const hex = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(8, "0")).join(" ");

it("Philox gives the published values", () => {
  // Random123, kat_vectors, philox4x32 with 10 rounds.
  const ones = 0xffffffff;
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

it("a number depends on seed, stream and index only", () => {
  const random = new Random("0123456789abcdef");
  const third = random.uniform(3);
  random.uniform(4);
  assert.equal(random.uniform(3), third);
  assert.equal(new Random("0123456789abcdef").uniform(3), third);
  assert.notEqual(new Random("0123456789abcdef", 1).uniform(3), third);
  assert.notEqual(new Random("1123456789abcdef").uniform(3), third);
});

it("uniform and normal numbers have the moments of their distributions", () => {
  const random = new Random("00000000000000ff");
  const count = 20000;
  const of = (value: (index: number) => number): [mean: number, variance: number] => {
    const values = Array.from({ length: count }, (_, index) => value(index));
    const mean = values.reduce((a, b) => a + b) / count;
    return [mean, values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count];
  };
  // Four standard errors: 4 · 0.29 / √20000 = 0.008 and 4 · 1 / √20000 = 0.028.
  const [uniformMean, uniformVariance] = of((index) => random.uniform(index));
  assert.ok(Math.abs(uniformMean - 0.5) < 0.008 && Math.abs(uniformVariance - 1 / 12) < 0.003);
  const [normalMean, normalVariance] = of((index) => random.normal(index));
  assert.ok(Math.abs(normalMean) < 0.028 && Math.abs(normalVariance - 1) < 0.04);
});

it("a permutation holds every number once", () => {
  const order = permutation(100, new Random("0000000000000001"));
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, index) => index),
  );
});

it("a seed that is not 16 hexadecimal digits is refused", () => {
  assert.throws(() => new Random("42"), { kind: "invariant" });
});
