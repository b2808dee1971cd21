// The weights that learn, their gradients and their moments while training runs.
import { packWeights, unpackWeights } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint, WeightTensor } from "../model/types.ts";
import type { AdamArrays } from "../optim/adamw.ts";
import { ParameterLayout } from "./parameter-layout.ts";

type Weights = Checkpoint["weights"];

export class ParameterState {
  readonly layout: ParameterLayout;
  readonly arrays: AdamArrays;

  constructor(
    parameters: readonly Parameter[],
    weights: Weights,
    moments?: { first: Weights; second: Weights },
  ) {
    this.layout = new ParameterLayout(parameters);
    this.arrays = {
      weights: this.filled(weights),
      gradients: new Float32Array(this.layout.size),
      first: this.filled(moments?.first),
      second: this.filled(moments?.second),
      decaying: this.layout.decaying,
    };
  }

  private filled(weights: Weights | undefined): Float32Array {
    const array = new Float32Array(this.layout.size);
    for (const parameter of weights ? this.layout.parameters : []) {
      for (const [name, data] of packWeights([parameter], weights as Weights))
        array.set(data, this.layout.startOf(name));
    }
    return array;
  }

  private named(array: Float32Array): Map<string, WeightTensor> {
    const { parameters } = this.layout;
    return unpackWeights(
      parameters,
      new Map(parameters.map((parameter) => [parameter.name, this.layout.part(array, parameter)])),
    );
  }

  /** Views by Hugging Face's names: what the next step changes. */
  weights(): Map<string, WeightTensor> {
    return this.named(this.arrays.weights);
  }

  moments(): { first: Map<string, WeightTensor>; second: Map<string, WeightTensor> } {
    return { first: this.named(this.arrays.first), second: this.named(this.arrays.second) };
  }
}
