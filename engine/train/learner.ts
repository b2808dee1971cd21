// What a training changes and what it keeps: all weights of a model, or those of an adapter beside weights that stay.
import { adapterParameters, mergeAdapter } from "../model/lora.ts";
import type { Adapter } from "../model/lora.ts";
import { parametersOf } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint } from "../model/types.ts";
import { loadWeights } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";

export interface Learner {
  /** The parameters that learn, and their weights before step 1. */
  parameters: readonly Parameter[];
  weights: Checkpoint["weights"];
  /** The model without its adapter: feeds that no step changes, and the reference of an adapter. */
  frozen: LoadedWeights;
  /** The model with these weights, and the adapter in it. */
  result(weights: Checkpoint["weights"]): { checkpoint: Checkpoint; adapter?: Adapter };
}

export function learnerOf(start: Checkpoint, adapter?: Adapter): Learner {
  if (!adapter) return { parameters: parametersOf(start.config), weights: start.weights, frozen: {}, result: (weights) => ({ checkpoint: { config: start.config, weights } }) };
  return {
    parameters: adapterParameters(start.config, adapter.settings),
    weights: adapter.weights,
    frozen: loadWeights(start),
    result: (weights) => {
      const trained = { settings: adapter.settings, weights };
      return { checkpoint: mergeAdapter(start, trained), adapter: trained };
    },
  };
}
