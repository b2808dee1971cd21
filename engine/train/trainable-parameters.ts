// The parameters that a training changes (all weights of a model, or those of an adapter), and their arrays
// while it runs.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/session.ts";
import { mergeAdapter } from "../model/adapter-weights.ts";
import { adapterParameters } from "../model/lora.ts";
import type { Adapter } from "../model/lora.ts";
import { packWeights, parametersOf, unpackWeights } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint, ModelConfig, WeightTensor } from "../model/types.ts";
import type { AdamArrays } from "../optim/adamw.ts";
import { loadWeights } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";

type Weights = Checkpoint["weights"];

export interface TrainableParameters {
  parameters: readonly Parameter[];
  /** With an adapter: the base's weights, which are constant feeds and the default reference. Else empty. */
  frozen: LoadedWeights;
  /** The trained model, in which an adapter is merged, and the adapter. */
  result(weights: Weights): { checkpoint: Checkpoint; adapter?: Adapter };
}

/**
 * Holds nothing of `start` but its configuration. With an adapter it also holds one packed copy of the base's
 * weights.
 */
export function trainableParameters(start: Checkpoint, adapter?: Adapter): TrainableParameters {
  return adapter ? adapterOf(start.config, loadWeights(start), adapter.settings) : wholeModel(start.config);
}

function wholeModel(config: ModelConfig): TrainableParameters {
  return {
    parameters: parametersOf(config),
    frozen: {},
    result: (weights) => ({ checkpoint: { config, weights } }),
  };
}

function adapterOf(
  config: ModelConfig,
  frozen: LoadedWeights,
  settings: Adapter["settings"],
): TrainableParameters {
  return {
    parameters: adapterParameters(config, settings),
    frozen,
    result: (weights) => {
      const packed = new Map(Object.entries(frozen).map(([name, { data }]) => [name, data as Float32Array]));
      const adapter = { settings, weights };
      const base = { config, weights: unpackWeights(parametersOf(config), packed) };
      return { checkpoint: mergeAdapter(base, adapter), adapter };
    },
  };
}

const elements = ({ shape }: Pick<Parameter, "shape">): number =>
  shape.reduce((total, dim) => total * dim, 1);
const isMatrix = ({ shape }: Parameter): boolean => shape.length > 1;

/**
 * Where each parameter is in one long array: matrices first, then norms' weights and other vectors, which do
 * not decay.
 */
export class ParameterLayout {
  readonly parameters: readonly Parameter[];
  private readonly starts = new Map<string, number>();
  /** Elements of the array. */
  readonly size: number;
  /** Elements of all matrices, which are the first in the array. */
  readonly decaying: number;

  constructor(parameters: readonly Parameter[]) {
    this.parameters = parameters;
    let size = 0;
    const place = (parameter: Parameter): void => {
      this.starts.set(parameter.name, size);
      size += elements(parameter);
    };
    parameters.filter(isMatrix).forEach(place);
    this.decaying = size;
    parameters.filter((parameter) => !isMatrix(parameter)).forEach(place);
    this.size = size;
  }

  startOf(name: string): number {
    return this.starts.get(name) as number;
  }

  /** A view of one parameter. */
  part(array: Float32Array, parameter: Parameter): Float32Array {
    const start = this.startOf(parameter.name);
    return array.subarray(start, start + elements(parameter));
  }

  /** Views of all parameters, as feeds of a graph. */
  tensors(array: Float32Array, nameOf: (name: string) => string = (name) => name): Record<string, OrtTensor> {
    return Object.fromEntries(
      this.parameters.map((parameter) => [
        nameOf(parameter.name),
        toOrt({ dtype: "float32", shape: parameter.shape, data: this.part(array, parameter) }),
      ]),
    );
  }
}

/** The trained weights, their gradients and their moments. */
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

  /** By Hugging Face's names. They are views: the next step changes them. */
  weights(): Map<string, WeightTensor> {
    return this.named(this.arrays.weights);
  }

  moments(): { first: Map<string, WeightTensor>; second: Map<string, WeightTensor> } {
    return { first: this.named(this.arrays.first), second: this.named(this.arrays.second) };
  }
}
