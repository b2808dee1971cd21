// Long arrays in pieces that stay in the cache, as the sessions of this folder take them.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/session.ts";

/** Elements of a chunk: 1 MiB of each array. */
const chunk = 2 ** 18;

export function view(array: Float32Array, from: number, to: number): OrtTensor {
  return toOrt({ dtype: "float32", shape: [to - from], data: array.subarray(from, to) });
}

export function* chunks(from: number, to: number): Generator<[number, number]> {
  for (let at = from; at < to; at += chunk) yield [at, Math.min(to, at + chunk)];
}
