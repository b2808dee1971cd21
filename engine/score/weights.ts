// The weights of a checkpoint as the tensors that every forward-only graph takes, made once per model.
import { Tensor as OrtTensor } from "onnxruntime-node";
import { packWeights, parametersOf } from "../model/index.ts";
import type { Checkpoint } from "../model/index.ts";

/** Feeds by parameter name. */
export type LoadedWeights = Readonly<Record<string, OrtTensor>>;

export function loadWeights({ config, weights }: Checkpoint): LoadedWeights {
  const packed = packWeights(config, weights);
  return Object.fromEntries(parametersOf(config).map(({ name, shape }) => [name, new OrtTensor("float32", packed.get(name)!, shape as number[])]));
}
