/* oxlint-disable max-lines -- one class: all of it builds one graph */
// Builds one ONNX graph: typed values, nodes, constants. It knows no operation and no gradient; those are in
// ops/. Weights are graph inputs, so one graph serves every step of training. Weights that never change are
// made by `weight`; they are stored outside the graph's bytes, because protobuf has a limit of 2 GB.
import { RatchetError } from "../../errors/index.ts";
import { serialize } from "./serialize.ts";
import type { Attribute, Branch, OnnxNode } from "./serialize.ts";
import { factors } from "./value.ts";
import type { Dim, DType, Shape, Tensor, Value, ValueType } from "./value.ts";

/**
 * The most threads that the graph's session will have. A number: products are padded with rows of zeros if
 * that number needs them for the same bits (ops/product.ts). `few`: products stay plain, and the caller
 * limits the threads (threads.ts).
 */
export type Threads = number | "few";

export class Graph {
  readonly threads: Threads;
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  private nodes: OnnxNode[] = [];
  /** Number of nodes so far, including those of branches. */
  private made = 0;
  private readonly constants = new Map<string, Tensor>();
  /** Weights by name; the session gets them beside the bytes. */
  readonly weights = new Map<string, Tensor>();
  private readonly constantsByContent = new Map<string, Value>();
  /** Output names by the name of their value. */
  private readonly outputNames = new Map<string, string>();
  private readonly least = new Map<string, number>();
  private readonly shared = new Map<string, Value>();

  constructor(threads: Threads = Infinity) {
    this.threads = threads;
  }

  /**
   * Promises that a dimension is at least `least` in every run. The caller of the session keeps the promise.
   */
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

  /**
   * Appends one ONNX node. The types in `outputs` are not checked. An undefined input is an omitted optional
   * one.
   */
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

  /**
   * Computes one of two values of the same type. Values of `size`, `shape` and `once` that both branches use
   * must exist before.
   */
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

  /**
   * A constant that onnxruntime packs once, when the session is created, so its products need no packing in
   * each run.
   */
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

  /** A value that depends on inputs alone and has many uses: made once per name. */
  once(name: string, make: () => Value): Value {
    const known = this.shared.get(name) ?? make();
    this.shared.set(name, known);
    return known;
  }

  /** The size of a dimension at run time, int64 [1]. */
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

  /** Measures a symbol on an input that has it, or a multiple of it, as a dimension. */
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

  /**
   * A shape as an int64 vector: a constant if possible (`forReshape` allows one −1), else assembled at run
   * time.
   */
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

  /** Declares an output of the graph. */
  output(name: string, value: Value): void {
    const made = this.nodes.some((node) => node.outputs.includes(value.name));
    // A node's value is renamed when the graph is written. An input, or a value that is an output already, is
    // copied.
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

  /** The nodes, also in branches, with the names of outputs. */
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
