// Builds one ONNX graph: typed values, nodes, constants. It knows no operation and no gradient (ops/ does).
// Weights are graph inputs, so that one graph serves every step of training; or, where they never change, `weight`: those lie beside
// the graph's bytes, so that the 2 GB limit of protobuf stays far away.
import { RatchetError } from "../../errors/index.ts";
import { serialize } from "./serialize.ts";
import type { Attribute, Branch, OnnxNode } from "./serialize.ts";
import { factors } from "./value.ts";
import type { Dim, DType, Shape, Tensor, Value, ValueType } from "./value.ts";

/**
 * On how many threads its session runs at most: any number gives the same bits, with rows of zeros where so many need them
 * (ops/product.ts). `few`: as many as change no bit without (threads.ts).
 */
export type Threads = number | "few";

export class Graph {
  readonly threads: Threads;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  private nodes: OnnxNode[] = [];
  /** Nodes so far, those of branches included. */
  private made = 0;
  private readonly constants = new Map<string, Tensor>();
  /** Weights by name, which the session is given beside the bytes. */
  readonly weights = new Map<string, Tensor>();
  private readonly constantsByContent = new Map<string, Value>();
  /** Names of outputs by the names of the values that they are. */
  private readonly outputNames = new Map<string, string>();
  private readonly least = new Map<string, number>();
  private readonly shared = new Map<string, Value>();

  constructor(threads: Threads = Infinity) {
    this.threads = threads;
  }

  /** Promises that a dimension is never smaller; whoever feeds the graph keeps it. */
  promise(symbol: string, least: number): void {
    this.least.set(symbol, least);
  }

  leastOf(dim: Dim): number {
    return typeof dim === "number" ? dim : (this.least.get(dim) ?? 0);
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    if (this.inputs.some((input) => input.name === name))
      throw new RatchetError("unreachable_state", `the graph already has an input ${name}`);
    const value = { name, dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Appends one ONNX node; `outputs` are the types that the caller vouches for. An undefined input is an omitted optional one. */
  node(
    type: string,
    inputs: readonly (Value | undefined)[],
    outputs: readonly ValueType[],
    attributes: Record<string, Attribute> = {},
    domain = "",
  ): Value[] {
    const values = outputs.map(({ dtype, shape }, index) => ({
      name: `${type}:${this.made}.${index}`,
      dtype,
      shape,
    }));
    this.made++;
    this.nodes.push({
      type,
      domain,
      inputs: inputs.map((input) => input?.name),
      outputs: values.map((value) => value.name),
      attributes,
    });
    return values;
  }

  /** A node with one output. */
  one(
    type: string,
    inputs: readonly (Value | undefined)[],
    output: ValueType,
    attributes: Record<string, Attribute> = {},
    domain = "",
  ): Value {
    return this.node(type, inputs, [output], attributes, domain)[0] as Value;
  }

  /** One of two values of a type, of which only the wanted one is computed. What both need of `size`, `shape` and `once` must be there before. */
  either(condition: Value, type: ValueType, make: { yes: () => Value; no: () => Value }): Value {
    return this.one("If", [condition], type, {
      then_branch: { branch: this.branch(make.yes) },
      else_branch: { branch: this.branch(make.no) },
    });
  }

  private branch(make: () => Value): Branch {
    const outside = this.nodes;
    const nodes: OnnxNode[] = [];
    this.nodes = nodes;
    try {
      return { nodes, output: make() };
    } finally {
      this.nodes = outside;
    }
  }

  /** Equal constants are stored once. */
  constant(tensor: Tensor): Value {
    const key = `${tensor.dtype}[${tensor.shape}]${tensor.data.join()}`;
    const known = this.constantsByContent.get(key);
    if (known) return known;
    const value = { name: `constant:${this.constants.size}`, dtype: tensor.dtype, shape: tensor.shape };
    this.constants.set(value.name, tensor);
    this.constantsByContent.set(key, value);
    return value;
  }

  /** A constant that onnxruntime may repack when the session is made: products with it then need no packing at each run. */
  weight(name: string, tensor: Tensor): Value {
    this.weights.set(name, tensor);
    return { name, dtype: tensor.dtype, shape: tensor.shape };
  }

  ints(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.constant({ dtype: "int64", shape, data: BigInt64Array.from(values, BigInt) });
  }

  scalar(value: number, dtype: DType = "float32"): Value {
    const data =
      dtype === "float64"
        ? Float64Array.of(value)
        : dtype === "int64"
          ? BigInt64Array.of(BigInt(value))
          : Float32Array.of(value);
    return this.constant({ dtype, shape: [], data });
  }

  /** What follows from inputs alone and is needed in many places: made once, under a name of its own. */
  once(name: string, make: () => Value): Value {
    const known = this.shared.get(name) ?? make();
    this.shared.set(name, known);
    return known;
  }

  /** The size of a dimension when the graph runs, int64 [1]. */
  size(dim: Dim): Value {
    if (typeof dim === "number") return this.ints([dim]);
    return this.once(`size ${dim}`, () => this.makeSize(dim));
  }

  private makeSize(dim: string): Value {
    const { factor, symbols } = factors(dim);
    const int: ValueType = { dtype: "int64", shape: [1] };
    if (factor === 1 && symbols.length === 1) return this.measure(dim);
    return [factor, ...symbols]
      .map((part) => this.size(part))
      .reduce((left, right) => this.one("Mul", [left, right], int));
  }

  /** Reads a symbol off an input that has it as a dimension, or a multiple of it. */
  private measure(symbol: string): Value {
    const int: ValueType = { dtype: "int64", shape: [1] };
    for (const input of this.inputs) {
      for (const [start, dim] of input.shape.entries()) {
        const { factor, symbols } = factors(dim);
        if (symbols.length !== 1 || symbols[0] !== symbol) continue;
        const whole = this.one("Shape", [input], int, { start, end: start + 1 });
        return factor === 1 ? whole : this.one("Div", [whole, this.ints([factor])], int);
      }
    }
    throw new RatchetError("shape_mismatch", `no input has a dimension ${symbol}`);
  }

  /** A shape as an int64 vector: a constant with one −1 where possible (`forReshape`), else assembled when the graph runs. */
  shape(shape: Shape, forReshape = false): Value {
    const unknown = shape.filter((dim) => typeof dim === "string").length;
    if (unknown === 0 || (forReshape && unknown === 1))
      return this.ints(shape.map((dim) => (typeof dim === "number" ? dim : -1)));
    return this.once(`shape ${shape.join()}`, () =>
      this.one(
        "Concat",
        shape.map((dim) => this.size(dim)),
        { dtype: "int64", shape: [shape.length] },
        { axis: 0 },
      ),
    );
  }

  /** Declares an output of the graph under a name of its own. */
  output(name: string, value: Value): void {
    const made = this.nodes.some((node) => node.outputs.includes(value.name));
    // What a node makes is renamed when the graph is written; an input, or a value that is an output already, is copied.
    const source = made && !this.outputNames.has(value.name) ? value : this.one("Identity", [value], value);
    this.outputNames.set(source.name, name);
    this.outputs.push({ ...source, name });
  }

  nodeCount(): number {
    return this.nodes.length;
  }

  bytes(): Uint8Array {
    return serialize({
      nodes: this.renamed(this.nodes),
      inputs: this.inputs,
      outputs: this.outputs,
      constants: this.constants,
      weights: this.weights,
    });
  }

  /** The nodes with the names that outputs have been given, in branches too. */
  private renamed(nodes: readonly OnnxNode[]): OnnxNode[] {
    const name = (of: string): string => this.outputNames.get(of) ?? of;
    const attribute = (of: Attribute): Attribute =>
      typeof of === "object" && "branch" in of
        ? { branch: { ...of.branch, nodes: this.renamed(of.branch.nodes) } }
        : of;
    return nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((input) => input && name(input)),
      outputs: node.outputs.map(name),
      attributes: Object.fromEntries(
        Object.entries(node.attributes).map(([key, value]) => [key, attribute(value)]),
      ),
    }));
  }
}
