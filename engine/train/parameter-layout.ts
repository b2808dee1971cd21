// Parameters in one long array, in which every one has its place: matrices first, then the norms' weights and other vectors, which do not decay.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import { toOrt } from "../graph/session.ts";
import type { Parameter } from "../model/parameters.ts";

const elements = ({ shape }: Pick<Parameter, "shape">): number =>
  shape.reduce((total, dim) => total * dim, 1);
const isMatrix = ({ shape }: Parameter): boolean => shape.length > 1;

export class ParameterLayout {
  readonly parameters: readonly Parameter[];
  private readonly starts = new Map<string, number>();
  /** Elements of the array. */
  readonly size: number;
  /** The first elements, those of matrices. */
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

  /** Views of all parameters as a graph takes them. */
  tensors(array: Float32Array, nameOf: (name: string) => string = (name) => name): Record<string, OrtTensor> {
    return Object.fromEntries(
      this.parameters.map((parameter) => [
        nameOf(parameter.name),
        toOrt({ dtype: "float32", shape: parameter.shape, data: this.part(array, parameter) }),
      ]),
    );
  }
}
