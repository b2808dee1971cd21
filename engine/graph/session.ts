// One compiled graph: an onnxruntime session with inputs and outputs by name.
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { RatchetError } from "../../errors/index.ts";
import type { Graph } from "./graph.ts";
import { bytesOf } from "./serialize.ts";
import type { DType, Tensor } from "./value.ts";

export interface SessionOptions {
  /** Threads inside one operation. */
  threads: number;
  /** Idle threads spin between operations: faster on free cores, wasteful on shared ones. Default true. */
  spinning?: boolean;
  /**
   * From the second run on, onnxruntime plans one block for all intermediate values, beside the memory that
   * the first run left in its arena. For a large model that is half as much memory again. Default true.
   */
  memoryPattern?: boolean;
}

/**
 * Denormal numbers are computed as zeros, because processors are many times slower with them and softmax
 * makes them of masked scores. onnxruntime reads this option from a process's first session only, so every
 * session has it.
 */
const DENORMALS = { set_denormal_as_zero: "1" };

const DTYPES: Partial<Record<OrtTensor.Type, DType>> = {
  float32: "float32",
  float64: "float64",
  int64: "int64",
  bool: "bool",
};

export function toOrt(tensor: Tensor): OrtTensor {
  return new OrtTensor(tensor.dtype, tensor.data as Float32Array, tensor.shape as number[]);
}

export function fromOrtTensor(tensor: OrtTensor): Tensor {
  const dtype = DTYPES[tensor.type];
  if (!dtype)
    throw new RatchetError("unreachable_state", `the graph returned a tensor of type ${tensor.type}`);
  return { dtype, shape: tensor.dims, data: tensor.data as Float32Array };
}

/** onnxruntime's messages when an allocation fails: its arena's or the C++ library's. */
const NO_MEMORY = /failed to allocate memory|bad_alloc|bad allocation/i;

function failureOf(cause: unknown): RatchetError {
  const { message } = cause as Error;
  if (NO_MEMORY.test(message))
    return new RatchetError("out_of_memory", `no memory for the values of a graph: ${message}`, { cause });
  return new RatchetError("graph_failed", `onnxruntime could not run a graph: ${message}`, { cause });
}

export class Session {
  private readonly session: InferenceSession;
  private readonly fetches: Readonly<Record<string, null>>;

  private constructor(session: InferenceSession) {
    this.session = session;
    this.fetches = Object.fromEntries(session.outputNames.map((name) => [name, null]));
  }

  static async create(graph: Graph, options: SessionOptions): Promise<Session> {
    const session = InferenceSession.create(graph.bytes(), {
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: "all",
      enableMemPattern: options.memoryPattern ?? true,
      // No log, because failures are thrown.
      logSeverityLevel: 4,
      externalData: [...graph.weights].map(([path, tensor]) => ({ path, data: bytesOf(tensor) })),
      extra: {
        session: { ...DENORMALS, intra_op: { allow_spinning: options.spinning === false ? "0" : "1" } },
      },
    });
    return session.then(
      (made) => new Session(made),
      (cause: unknown) => Promise.reject(failureOf(cause)),
    );
  }

  async run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
    const outputs = await this.raw(
      Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)])),
    );
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrtTensor(tensor)]));
  }

  /**
   * `run` with onnxruntime's tensors, which loops reuse from call to call. Outputs named in `into` are
   * written to its tensors.
   */
  async raw(
    feeds: Record<string, OrtTensor>,
    into: Readonly<Record<string, OrtTensor>> = {},
  ): Promise<Record<string, OrtTensor>> {
    try {
      return (await this.session.run(feeds, { ...this.fetches, ...into })) as Record<string, OrtTensor>;
    } catch (cause) {
      throw failureOf(cause);
    }
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
