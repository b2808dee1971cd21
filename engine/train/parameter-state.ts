// The weights that learn, and their moments, while training runs: two sets of arrays, one read and one written by each step, swapped after it.
// A step that fails leaves the set before it untouched.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/session.ts";
import { packWeights, unpackWeights } from "../model/parameters.ts";
import type { Parameter } from "../model/parameters.ts";
import type { Checkpoint, WeightTensor } from "../model/types.ts";
import { slotNames } from "./graphs.ts";

type Weights = Checkpoint["weights"];
type Arrays = ReadonlyMap<string, Float32Array>;

interface Set {
  weights: Arrays;
  first: Arrays;
  second: Arrays;
}

function zeros(parameters: readonly Parameter[]): Arrays {
  return new Map(parameters.map(({ name, shape }) => [name, new Float32Array(shape.reduce((total, dim) => total * dim, 1))]));
}

function tensors(parameters: readonly Parameter[], set: Set, names: { weight(name: string): string; first(name: string): string; second(name: string): string }): Record<string, OrtTensor> {
  const entries = parameters.flatMap(({ name, shape }): [string, OrtTensor][] => {
    const tensor = (arrays: Arrays): OrtTensor => toOrt({ dtype: "float32", shape, data: arrays.get(name) as Float32Array });
    return [
      [names.weight(name), tensor(set.weights)],
      [names.first(name), tensor(set.first)],
      [names.second(name), tensor(set.second)],
    ];
  });
  return Object.fromEntries(entries);
}

export class ParameterState {
  private readonly parameters: readonly Parameter[];
  private current: Set;
  private next: Set;
  private readonly views = new Map<Set, { feeds: Record<string, OrtTensor>; into: Record<string, OrtTensor> }>();

  constructor(parameters: readonly Parameter[], weights: Weights, moments?: { first: Weights; second: Weights }) {
    this.parameters = parameters;
    this.current = {
      weights: packWeights(parameters, weights),
      first: moments ? packWeights(parameters, moments.first) : zeros(parameters),
      second: moments ? packWeights(parameters, moments.second) : zeros(parameters),
    };
    this.next = { weights: zeros(parameters), first: zeros(parameters), second: zeros(parameters) };
    for (const set of [this.current, this.next]) {
      this.views.set(set, {
        feeds: tensors(parameters, set, { weight: (name) => name, first: slotNames.first, second: slotNames.second }),
        into: tensors(parameters, set, { weight: slotNames.weight, first: slotNames.nextFirst, second: slotNames.nextSecond }),
      });
    }
  }

  /** Inputs of the next step. */
  feeds(): Record<string, OrtTensor> {
    return this.views.get(this.current)?.feeds ?? {};
  }

  /** Where the next step writes. */
  into(): Record<string, OrtTensor> {
    return this.views.get(this.next)?.into ?? {};
  }

  /** What the last step wrote becomes current. */
  advance(): void {
    [this.current, this.next] = [this.next, this.current];
  }

  /** Copies by Hugging Face's names. */
  weights(): Map<string, WeightTensor> {
    return unpackWeights(this.parameters, this.current.weights);
  }

  moments(): { first: Map<string, WeightTensor>; second: Map<string, WeightTensor> } {
    return { first: unpackWeights(this.parameters, this.current.first), second: unpackWeights(this.parameters, this.current.second) };
  }
}
