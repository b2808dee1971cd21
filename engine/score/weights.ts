// Inputs of graphs as onnxruntime's tensors: the weights of a checkpoint, the rotary tables of a
// configuration, a batch.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/index.ts";
import { packWeights, parametersOf, rotaryTables } from "../model/index.ts";
import type { Checkpoint, Encoded, ModelConfig } from "../model/index.ts";

/** Feeds by parameter name. */
export type LoadedWeights = Readonly<Record<string, OrtTensor>>;

export function loadWeights({ config, weights }: Checkpoint): LoadedWeights {
  const parameters = parametersOf(config);
  const packed = packWeights(parameters, weights);
  return Object.fromEntries(
    parameters.map(({ name, shape }) => [name, toOrt({ dtype: "float32", shape, data: packed.get(name)! })]),
  );
}

/** cos and sin of every position of the model. */
export function rotaryFeeds(config: ModelConfig): Record<string, OrtTensor> {
  return toFeeds({ ...rotaryTables(config, config.maxPositions) });
}

export function toFeeds(tensors: Encoded): Record<string, OrtTensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, toOrt(tensor)]));
}
