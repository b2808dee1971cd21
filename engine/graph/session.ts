// One compiled graph: an onnxruntime session that is fed and read by name.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { InvariantError } from "../errors.ts";
import type { Graph } from "./graph.ts";
import { bytesOf } from "./serialize.ts";
import type { DType, Tensor } from "./value.ts";

export interface SessionOptions {
  /** Threads inside one operation; results do not depend on it. */
  threads: number;
  /** Idle threads spin between operations: faster on free cores, a waste on shared ones. */
  spinning?: boolean;
}

const fromOrt: Partial<Record<OrtTensor.Type, DType>> = { float32: "float32", float64: "float64", int64: "int64", bool: "bool" };

export function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.dtype, tensor.data as Float32Array, tensor.shape as number[]);
}

export function fromOrtTensor(tensor: OrtTensor): Tensor {
  const dtype = fromOrt[tensor.type];
  if (!dtype) throw new InvariantError("unreachable_state", `the graph returned a tensor of type ${tensor.type}`);
  return { dtype, shape: tensor.dims, data: tensor.data as Float32Array };
}

export class Session {
  private readonly session: InferenceSession;
  private readonly fetches: Readonly<Record<string, null>>;

  private constructor(session: InferenceSession) {
    this.session = session;
    this.fetches = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  }

  static async create(graph: Graph, options: SessionOptions): Promise<Session> {
    return new Session(
      await InferenceSession.create(graph.bytes(), {
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        externalData: [...graph.weights].map(([path, tensor]) => ({ path, data: bytesOf(tensor) })),
        extra: { session: { intra_op: { allow_spinning: options.spinning === false ? "0" : "1" } } },
      }),
    );
  }

  /** Runs the graph. */
  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const outputs = await this.raw(Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)])));
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrtTensor(tensor)]));
  }

  /** The same on onnxruntime's own tensors, for loops that keep them from call to call. Outputs named in `into` are written there. */
  async raw(feeds: Record<string, OrtTensor>, into: Readonly<Record<string, OrtTensor>> = {}): Promise<Record<string, OrtTensor>> {
    return (await this.session.run(feeds, { ...this.fetches, ...into })) as Record<string, OrtTensor>;
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
