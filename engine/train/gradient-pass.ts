// The gradients of one micro-batch.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import type { Session } from "../graph/session.ts";
import { gradientNames } from "./graphs.ts";
import type { ParameterLayout } from "./parameter-layout.ts";

/** Two arrays of one layout. */
export interface GradientArrays {
  weights: Float32Array;
  gradients: Float32Array;
}

export class GradientPass {
  private readonly create: (adding: boolean) => Promise<Session>;
  private readonly layout: ParameterLayout;
  /** By whether they add; the one that does is made when a step has a second micro-batch here. */
  private readonly sessions = new Map<boolean, Promise<Session>>();

  constructor(create: (adding: boolean) => Promise<Session>, layout: ParameterLayout) {
    this.create = create;
    this.layout = layout;
  }

  /** Loss and metrics. Gradients are written to their array, added to what is there where `adding`. */
  async run({ weights, gradients }: GradientArrays, feeds: Record<string, OrtTensor>, adding: boolean): Promise<Record<string, number>> {
    const session = this.sessions.get(adding) ?? this.create(adding);
    this.sessions.set(adding, session);
    const into = this.layout.tensors(gradients, gradientNames.gradient);
    const sums = adding ? this.layout.tensors(gradients, gradientNames.sum) : {};
    const outputs = await (await session).raw({ ...this.layout.tensors(weights), ...sums, ...feeds }, into);
    const values = Object.entries(outputs).filter(([name]) => !(name in into));
    return Object.fromEntries(values.map(([name, tensor]) => [name, (tensor.data as Float32Array)[0] as number]));
  }

  async close(): Promise<void> {
    for (const session of this.sessions.values()) await (await session).close();
  }
}
