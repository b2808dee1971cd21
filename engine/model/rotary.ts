// Tables of the rotary embedding: cos and sin of position · θ^(−2i/d), in double precision, rounded once.
import type { Tensor } from "../graph/value.ts";
import type { ModelConfig } from "./types.ts";

export interface RotaryTables {
  cos: Tensor;
  sin: Tensor;
}

/** Tables for positions 0 … length − 1, each [length, headSize / 2]. */
export function rotaryTables(config: Pick<ModelConfig, "headSize" | "ropeTheta">, length: number): RotaryTables {
  const half = config.headSize / 2;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (let index = 0; index < half; index++) {
      const angle = position * config.ropeTheta ** (-index / half);
      cos[position * half + index] = Math.cos(angle);
      sin[position * half + index] = Math.sin(angle);
    }
  }
  return { cos: { dtype: "float32", shape: [length, half], data: cos }, sin: { dtype: "float32", shape: [length, half], data: sin } };
}
