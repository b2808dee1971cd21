import assert from "node:assert/strict";
import { it } from "node:test";
import { Elementwise } from "./elementwise.ts";

const { fround } = Math;
/** More than two chunks, and not a whole number of vectors. */
const LENGTH = 2 ** 15 + 7;
const wave = (factor: number): Float32Array =>
  Float32Array.from({ length: LENGTH }, (_, index) => Math.sin(factor * index) * 3 ** ((index % 40) - 20));

it("each operation has the bits of single precision", () => {
  const all = new Elementwise(
    ["a", "b", "sum", "difference", "product", "quotient", "root"],
    ["c"],
    ({ arrays: { a, b }, scalars: { c }, add, sub, mul, div, sqrt, constant }) => ({
      sum: add(a, b),
      difference: sub(a, constant(0.1)),
      product: mul(a, c),
      quotient: div(a, b),
      root: sqrt(mul(b, b)),
    }),
  );
  const [a, b] = [wave(0.1), wave(0.7)];
  const results = Object.fromEntries(
    ["sum", "difference", "product", "quotient", "root"].map((name) => [name, new Float32Array(LENGTH)]),
  ) as Record<"sum" | "difference" | "product" | "quotient" | "root", Float32Array>;
  all.run({ a, b, ...results }, { c: 1 / 3 });
  const expected = {
    sum: (x: number, y: number) => x + y,
    difference: (x: number) => x - fround(0.1),
    product: (x: number) => x * fround(1 / 3),
    quotient: (x: number, y: number) => x / y,
    root: (_: number, y: number) => Math.sqrt(fround(y * y)),
  };
  for (const [name, of] of Object.entries(expected))
    assert.deepEqual(
      results[name as keyof typeof results],
      a.map((x, index) => of(x, b[index]!)),
      name,
    );
  assert.deepEqual([a, b], [wave(0.1), wave(0.7)]);
});

it("a range changes nothing outside it, and an array may be read after it is written", () => {
  const swap = new Elementwise(["a", "b"], [], ({ arrays }) => ({ a: arrays.b, b: arrays.a }));
  const [a, b] = [wave(0.1), wave(0.7)];
  swap.run({ a, b }, {}, 5, 20_001);
  const mixed = (inside: Float32Array, outside: Float32Array): Float32Array =>
    outside.map((x, index) => (index >= 5 && index < 20_001 ? inside[index]! : x));
  assert.deepEqual([a, b], [mixed(wave(0.7), wave(0.1)), mixed(wave(0.1), wave(0.7))]);
  swap.run({ a, b }, {}, 7, 7);
  assert.equal(a[7], wave(0.7)[7]);
});

it("denormal numbers become zeros; infinities and NaN do not change", () => {
  const flush = new Elementwise(["a"], [], ({ arrays, flushed }) => ({ a: flushed(arrays.a) }));
  const a = Float32Array.of(2 ** -126, -(2 ** -126), 2 ** -127, -(2 ** -149), NaN, Infinity, -Infinity, 1);
  flush.run({ a }, {});
  assert.deepEqual([...a], [2 ** -126, -(2 ** -126), 0, 0, NaN, Infinity, -Infinity, 1]);
});
