// What a training changes and what it keeps: all weights of a model, or those of an adapter beside weights that stay.
import { adapterParameters, mergeAdapter } from "../model/lora.ts";
import type { Adapter } from "../model/lora.ts";
import { parametersOf, unpackWeights } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { loadWeights } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";

export interface Learner {
  /** The parameters that learn. */
  parameters: readonly Parameter[];
  /** The model without its adapter: feeds that no step changes, and the reference of an adapter. */
  frozen: LoadedWeights;
  /** The model with these weights, and the adapter in it. */
  result(weights: Checkpoint["weights"]): { checkpoint: Checkpoint; adapter?: Adapter };
}

/** Keeps nothing of `start` but its configuration, unless an adapter leaves its weights as they are: then one packed copy. */
export function learnerOf(start: Checkpoint, adapter?: Adapter): Learner {
  return adapter ? adapted(start.config, loadWeights(start), adapter.settings) : whole(start.config);
}

function whole(config: ModelConfig): Learner {
  return {
    parameters: parametersOf(config),
    frozen: {},
    result: (weights) => ({ checkpoint: { config, weights } }),
  };
}

function adapted(config: ModelConfig, frozen: LoadedWeights, settings: Adapter["settings"]): Learner {
  return {
    parameters: adapterParameters(config, settings),
    frozen,
    result: (weights) => {
      const packed = new Map(Object.entries(frozen).map(([name, { data }]) => [name, data as Float32Array]));
      const trained = { settings, weights };
      return {
        checkpoint: mergeAdapter({ config, weights: unpackWeights(parametersOf(config), packed) }, trained),
        adapter: trained,
      };
    },
  };
}
