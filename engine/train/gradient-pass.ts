// The gradients of a step, one micro-batch after the other.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import type { Session } from "../graph/session.ts";
import type { ParameterState } from "./parameter-state.ts";

export class GradientPass {
  private readonly create: (adding: boolean) => Promise<Session>;
  private readonly weights: Record<string, OrtTensor>;
  private readonly sums: Record<string, OrtTensor>;
  private readonly into: Record<string, OrtTensor>;
  /** By whether they add; the one that does is made when a step has a second micro-batch. */
  private readonly sessions = new Map<boolean, Promise<Session>>();

  constructor(create: (adding: boolean) => Promise<Session>, state: ParameterState) {
    this.create = create;
    this.weights = state.weightFeeds();
    ({ sums: this.sums, into: this.into } = state.gradientFeeds());
  }

  /** Loss and metrics. Gradients are written to the state, added to what is there where `adding`. */
  async run(feeds: Record<string, OrtTensor>, adding: boolean): Promise<Record<string, number>> {
    const session = this.sessions.get(adding) ?? this.create(adding);
    this.sessions.set(adding, session);
    const outputs = await (await session).raw({ ...this.weights, ...(adding ? this.sums : {}), ...feeds }, this.into);
    const values = Object.entries(outputs).filter(([name]) => !(name in this.into));
    return Object.fromEntries(values.map(([name, tensor]) => [name, (tensor.data as Float32Array)[0] as number]));
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).close();
  }
}
