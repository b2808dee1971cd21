// Inputs of graphs as onnxruntime's tensors: the weights of a checkpoint, a batch.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/index.ts";
import { packWeights, parametersOf } from "../model/index.ts";
import type { Checkpoint, Encoded } from "../model/index.ts";

/** Feeds by parameter name. */
export type LoadedWeights = Readonly<Record<string, OrtTensor>>;

export function loadWeights({ config, weights }: Checkpoint): LoadedWeights {
  const parameters = parametersOf(config);
  const packed = packWeights(parameters, weights);
  return Object.fromEntries(
    parameters.map(({ name, shape }) => [name, toOrt({ dtype: "float32", shape, data: packed.get(name)! })]),
  );
}

export function toFeeds(tensors: Encoded): Record<string, OrtTensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toOrt(tensor)]));
}
