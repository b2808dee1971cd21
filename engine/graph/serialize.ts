// ONNX ModelProto bytes from nodes, inputs, outputs and constants. Field numbers are those of onnx.proto.
import { RatchetError } from "../../errors/index.ts";
import { ProtoWriter } from "./protobuf.ts";
import type { DType, Shape, Tensor, Value } from "./value.ts";

/** The nodes of one branch of an If node, and its value. They can use every value made before the If node. */
export interface Branch {
  nodes: readonly OnnxNode[];
  output: Value;
}

export type Attribute =
  number | string | readonly number[] | { float: number } | { type: DType } | { branch: Branch };

export interface OnnxNode {
  type: string;
  domain: string;
  inputs: readonly (string | undefined)[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

export interface GraphParts {
  nodes: readonly OnnxNode[];
  inputs: readonly Value[];
  outputs: readonly Value[];
  constants: ReadonlyMap<string, Tensor>;
  weights: ReadonlyMap<string, Tensor>;
}

/** Opset 23 is the first with RMSNormalization and RotaryEmbedding. IR 11 belongs to it. */
export const OPSET = 23;
const IR_VERSION = 11;

const ELEMENT_TYPES: Record<DType, number> = { float32: 1, int64: 7, bool: 9, float64: 11 };

const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, graph: 5, ints: 7 };

function writeAttribute(message: ProtoWriter, name: string, attribute: Attribute): void {
  message.string(1, name);
  if (typeof attribute === "number") {
    if (!Number.isInteger(attribute))
      throw new RatchetError("unreachable_state", `attribute ${name} = ${attribute}: wrap floats in {float}`);
    message.int(3, attribute).int(20, ATTRIBUTE_TYPES.int);
  } else if (typeof attribute === "string") message.string(4, attribute).int(20, ATTRIBUTE_TYPES.string);
  else if ("float" in attribute) message.float(2, attribute.float).int(20, ATTRIBUTE_TYPES.float);
  else if ("type" in attribute) message.int(3, ELEMENT_TYPES[attribute.type]).int(20, ATTRIBUTE_TYPES.int);
  else if ("branch" in attribute)
    message.message(6, (graph) => writeBranch(graph, attribute.branch)).int(20, ATTRIBUTE_TYPES.graph);
  else {
    for (const int of attribute) message.int(8, int);
    message.int(20, ATTRIBUTE_TYPES.ints);
  }
}

function writeNode(message: ProtoWriter, node: OnnxNode): void {
  for (const input of node.inputs) message.string(1, input ?? "");
  for (const output of node.outputs) message.string(2, output);
  message.string(4, node.type);
  for (const [name, attribute] of Object.entries(node.attributes))
    message.message(5, (field) => writeAttribute(field, name, attribute));
  if (node.domain !== "") message.string(7, node.domain);
}

function writeBranch(message: ProtoWriter, { nodes, output }: Branch): void {
  for (const node of nodes) message.message(1, (field) => writeNode(field, node));
  message.string(2, "branch");
  message.message(12, (field) => writeValue(field, output));
}

function writeShape(message: ProtoWriter, shape: Shape): void {
  for (const dim of shape) {
    message.message(1, (field) => {
      if (typeof dim === "number") field.int(1, dim);
      else field.string(2, dim);
    });
  }
}

function writeValue(message: ProtoWriter, value: Value): void {
  message.string(1, value.name);
  message.message(2, (type) => {
    type.message(1, (tensor) => {
      tensor.int(1, ELEMENT_TYPES[value.dtype]);
      tensor.message(2, (shape) => writeShape(shape, value.shape));
    });
  });
}

function writeTensorType(message: ProtoWriter, name: string, tensor: Tensor): void {
  for (const dim of tensor.shape) message.int(1, dim);
  message.int(2, ELEMENT_TYPES[tensor.dtype]);
  message.string(8, name);
}

function writeTensor(message: ProtoWriter, name: string, tensor: Tensor): void {
  writeTensorType(message, name, tensor);
  message.bytes(9, bytesOf(tensor));
}

/** The tensor's bytes are in an external file with the tensor's name. */
function writeExternal(message: ProtoWriter, name: string, tensor: Tensor): void {
  writeTensorType(message, name, tensor);
  const entries = { location: name, offset: "0", length: String(tensor.data.byteLength) };
  for (const [key, value] of Object.entries(entries))
    message.message(13, (entry) => entry.string(1, key).string(2, value));
  message.int(14, 1);
}

export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

export function serialize(parts: GraphParts): Uint8Array {
  const domains = new Set(["", ...parts.nodes.map((node) => node.domain)]);
  const model = new ProtoWriter().int(1, IR_VERSION).string(2, "ratchet");
  model.message(7, (graph) => {
    for (const node of parts.nodes) graph.message(1, (message) => writeNode(message, node));
    graph.string(2, "graph");
    for (const [name, tensor] of parts.constants)
      graph.message(5, (message) => writeTensor(message, name, tensor));
    for (const [name, tensor] of parts.weights)
      graph.message(5, (message) => writeExternal(message, name, tensor));
    for (const input of parts.inputs) graph.message(11, (message) => writeValue(message, input));
    for (const output of parts.outputs) graph.message(12, (message) => writeValue(message, output));
  });
  for (const domain of domains) {
    model.message(8, (set) => {
      if (domain !== "") set.string(1, domain);
      set.int(2, domain === "" ? OPSET : 1);
    });
  }
  return model.finish();
}
