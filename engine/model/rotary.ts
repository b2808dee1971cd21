// Tables of the rotary embedding: cos and sin of position · frequency. Frequencies and angles are rounded to
// single precision at the same steps as in transformers: at position 10,000 a table from double precision
// would differ by 1e-3.
import type { Tensor } from "../graph/value.ts";
import type { ModelConfig, RopeScaling } from "./types.ts";

export interface RotaryTables {
  cos: Tensor;
  sin: Tensor;
}

type RotaryConfig = Pick<ModelConfig, "headSize" | "ropeTheta" | "ropeScaling">;

const single = Math.fround;

/**
 * Llama 3.1: between its two bounds the share of the unscaled frequency grows linearly with the number of
 * turns in the original context.
 */
function llama3(
  frequency: number,
  {
    factor,
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalPositions,
  }: Extract<RopeScaling, { type: "llama3" }>,
): number {
  const turns = single(originalPositions / single((2 * Math.PI) / frequency));
  if (turns < low) return frequency / factor;
  if (turns > high) return frequency;
  const share = single(single(turns - low) / (high - low));
  return single(single(single(1 - share) * frequency) / factor) + single(share * frequency);
}

/** θ^(−2i/d), scaled: [headSize / 2]. */
function frequencies({ headSize, ropeTheta, ropeScaling }: RotaryConfig): Float32Array {
  return Float32Array.from({ length: headSize / 2 }, (_, index) => {
    const frequency = single(1 / single(ropeTheta ** single((2 * index) / headSize)));
    if (ropeScaling === undefined) return frequency;
    return ropeScaling.type === "linear" ? frequency / ropeScaling.factor : llama3(frequency, ropeScaling);
  });
}

/** Tables for positions 0 … length − 1, each [length, headSize / 2]. */
export function rotaryTables(config: RotaryConfig, length: number): RotaryTables {
  const frequency = frequencies(config);
  const half = frequency.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (let index = 0; index < half; index++) {
      const angle = single(position * (frequency[index] as number));
      cos[position * half + index] = Math.cos(angle);
      sin[position * half + index] = Math.sin(angle);
    }
  }
  return {
    cos: { dtype: "float32", shape: [length, half], data: cos },
    sin: { dtype: "float32", shape: [length, half], data: sin },
  };
}
