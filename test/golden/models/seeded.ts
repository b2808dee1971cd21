// Weights computed from a seed: hashes of a tensor's name and of the position in it, the same as make.py's
// `seeded`.
import { crc32 } from "node:zlib";
import type { WeightTensor } from "../../../engine/index.ts";

/** A 32-bit hash per position, different for each tensor's `name`. */
export function hashes(name: string, count: number): Uint32Array {
  const start = crc32(name);
  return Uint32Array.from({ length: count }, (_, index) => {
    let x = (start + Math.imul(index, 0x9e3779b9)) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return x ^ (x >>> 15);
  });
}

/** Norms around 1, biases within a quarter, matrices within a half. */
export function seededWeight(name: string, shape: readonly number[]): WeightTensor {
  const unit = Float32Array.from(
    hashes(
      name,
      shape.reduce((total, dim) => total * dim, 1),
    ),
    (hash) => (hash >>> 8) / 2 ** 24 - 0.5,
  );
  const value = name.endsWith("norm.weight")
    ? (x: number) => 1 + x / 2
    : name.endsWith(".bias")
      ? (x: number) => x / 2
      : (x: number) => x;
  return { shape: [...shape], data: unit.map(value) };
}

export const projections = 8;

/** A summary of a gradient, as make.py's `sketch` stores it: its norm, and its products with random signs. */
export function sketch(name: string, data: Float32Array): { norm: number; projections: number[] } {
  const bits = hashes(`${name}:signs`, data.length);
  const along = (k: number): number =>
    data.reduce((total, value, index) => total + ((bits[index]! >>> k) & 1 ? value : -value), 0);
  return {
    norm: Math.sqrt(data.reduce((total, value) => total + value * value, 0)),
    projections: Array.from({ length: projections }, (_, k) => along(k)),
  };
}
