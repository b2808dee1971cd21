// The weights that learn, their gradients and their moments while training runs: each one long array, in which every parameter has its
// place. Matrices come first, then the norms' weights and other vectors, which do not decay.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/session.ts";
import { packWeights, unpackWeights } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint, WeightTensor } from "../model/types.ts";
import type { AdamArrays } from "../optim/adamw.ts";
import { gradientNames } from "./graphs.ts";

type Weights = Checkpoint["weights"];

const elements = ({ shape }: Pick<Parameter, "shape">): number => shape.reduce((total, dim) => total * dim, 1);
const isMatrix = ({ shape }: Parameter): boolean => shape.length > 1;

export class ParameterState {
  private readonly parameters: readonly Parameter[];
  private readonly starts = new Map<string, number>();
  readonly arrays: AdamArrays;

  constructor(parameters: readonly Parameter[], weights: Weights, moments?: { first: Weights; second: Weights }) {
    this.parameters = parameters;
    let size = 0;
    const place = (parameter: Parameter): void => {
      this.starts.set(parameter.name, size);
      size += elements(parameter);
    };
    parameters.filter(isMatrix).forEach(place);
    const decaying = size;
    parameters.filter((parameter) => !isMatrix(parameter)).forEach(place);
    this.arrays = {
      weights: this.filled(size, weights),
      gradients: new Float32Array(size),
      first: this.filled(size, moments?.first),
      second: this.filled(size, moments?.second),
      decaying,
    };
  }

  private filled(size: number, weights: Weights | undefined): Float32Array {
    const array = new Float32Array(size);
    for (const parameter of weights ? this.parameters : []) {
      for (const [name, data] of packWeights([parameter], weights as Weights)) array.set(data, this.starts.get(name));
    }
    return array;
  }

  private part(array: Float32Array, parameter: Parameter): Float32Array {
    const start = this.starts.get(parameter.name) as number;
    return array.subarray(start, start + elements(parameter));
  }

  private tensors(array: Float32Array, nameOf: (name: string) => string): Record<string, OrtTensor> {
    return Object.fromEntries(this.parameters.map((parameter) => [nameOf(parameter.name), toOrt({ dtype: "float32", shape: parameter.shape, data: this.part(array, parameter) })]));
  }

  private named(array: Float32Array): Map<string, WeightTensor> {
    return unpackWeights(this.parameters, new Map(this.parameters.map((parameter) => [parameter.name, this.part(array, parameter)])));
  }

  /** Views: the weights as a graph takes them. */
  weightFeeds(): Record<string, OrtTensor> {
    return this.tensors(this.arrays.weights, (name) => name);
  }

  /** Views: where the gradients are written, and where a graph that adds to them reads them. */
  gradientFeeds(): { sums: Record<string, OrtTensor>; into: Record<string, OrtTensor> } {
    return { sums: this.tensors(this.arrays.gradients, gradientNames.sum), into: this.tensors(this.arrays.gradients, gradientNames.gradient) };
  }

  /** Views by Hugging Face's names: what the next step changes. */
  weights(): Map<string, WeightTensor> {
    return this.named(this.arrays.weights);
  }

  moments(): { first: Map<string, WeightTensor>; second: Map<string, WeightTensor> } {
    return { first: this.named(this.arrays.first), second: this.named(this.arrays.second) };
  }
}
