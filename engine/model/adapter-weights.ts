// The weights of an adapter (lora.ts): initial values, and merging them into the base.
import { Random } from "../random.ts";
import { adapterParameters } from "./lora.ts";
import type { Adapter, LoraSettings } from "./lora.ts";
import type { Checkpoint, ModelConfig, WeightTensor } from "./types.ts";

/** First stream of the seed for adapters; lower streams shuffle rows. */
const FIRST_STREAM = 2 ** 16;

/**
 * PEFT's initial values: A uniform within ±1/√in (He et al., arXiv 1502.01852, with slope √5), B zero, so the
 * adapter changes nothing yet.
 */
export function initAdapter(config: ModelConfig, settings: LoraSettings, seed: string): Adapter {
  const parts = adapterParameters(config, settings).flatMap((parameter) => parameter.parts);
  const weights = parts.map(({ name, shape }, stream): [string, WeightTensor] => {
    const [rows, columns] = shape as [number, number];
    const data = new Float32Array(rows * columns);
    const random = new Random(seed, FIRST_STREAM + stream);
    if (name.endsWith(".lora_A.weight"))
      for (let index = 0; index < data.length; index++)
        data[index] = (2 * random.uniform(index) - 1) / Math.sqrt(columns);
    return [name, { shape: [rows, columns], data }];
  });
  return { settings, weights: new Map(weights) };
}

/** W + s B A, in double precision, rounded once. */
function merged(
  weight: WeightTensor,
  a: WeightTensor,
  b: WeightTensor,
  { rank, alpha }: LoraSettings,
): WeightTensor {
  const [rows, columns] = weight.shape as [number, number];
  const data = new Float32Array(weight.data.length);
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b.data[row * rank + r] as number;
      for (let column = 0; column < columns; column++)
        (sums[column] as number) += factor * (a.data[r * columns + column] as number);
    }
    for (let column = 0; column < columns; column++)
      data[row * columns + column] =
        (weight.data[row * columns + column] as number) + (alpha / rank) * (sums[column] as number);
  }
  return { shape: [rows, columns], data };
}

/** The base with the adapter merged. Weights that the adapter does not change are the base's own arrays. */
export function mergeAdapter(
  { config, weights }: Checkpoint,
  { settings, weights: adapter }: Adapter,
): Checkpoint {
  const all = new Map(weights);
  for (const [name, a] of adapter) {
    if (!name.endsWith(".lora_A.weight")) continue;
    const target = name.replace(/lora_A\.weight$/, "weight");
    all.set(
      target,
      merged(
        weights.get(target) as WeightTensor,
        a,
        adapter.get(name.replace("lora_A", "lora_B")) as WeightTensor,
        settings,
      ),
    );
  }
  return { config, weights: all };
}
