// New weights: normal with standard deviation 0.02 for matrices, ones for norms, zeros for biases. A pure
// function of configuration and seed.
import { Random } from "../random.ts";
import { isRewardModel, rewardArchitecture } from "./families.ts";
import { parametersOf } from "./parameters.ts";
import type { Checkpoint, ModelConfig, WeightTensor } from "./types.ts";

const STANDARD_DEVIATION = 0.02;

function initWeight(name: string, shape: readonly number[], random: Random): WeightTensor {
  const data = new Float32Array(shape.reduce((total, dim) => total * dim, 1));
  if (shape.length === 1) data.fill(name.endsWith(".bias") ? 0 : 1);
  else
    for (let index = 0; index < data.length; index++) data[index] = STANDARD_DEVIATION * random.normal(index);
  return { shape: [...shape], data };
}

/** Each weight draws from its own stream, numbered in the order of the parameters. */
export function initCheckpoint(config: ModelConfig, seed: string): Checkpoint {
  const parts = parametersOf(config).flatMap((parameter) => parameter.parts);
  return {
    config,
    weights: new Map(
      parts.map(({ name, shape }, stream) => [name, initWeight(name, shape, new Random(seed, stream))]),
    ),
  };
}

/** A causal model's body with a new reward head. A reward model is returned unchanged. */
export function rewardModelFrom(checkpoint: Checkpoint, seed: string): Checkpoint {
  if (isRewardModel(checkpoint.config)) return checkpoint;
  const weights = new Map(checkpoint.weights);
  weights.delete("lm_head.weight");
  weights.set(
    "score.weight",
    initWeight("score.weight", [1, checkpoint.config.hiddenSize], new Random(seed)),
  );
  return {
    config: { ...checkpoint.config, architecture: rewardArchitecture(checkpoint.config.architecture) },
    weights,
  };
}
