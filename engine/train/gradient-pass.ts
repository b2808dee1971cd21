// The gradients of one micro-batch.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import type { Sessions } from "../graph/sessions.ts";
import type { LoraSettings } from "../model/lora.ts";
import type { ModelConfig } from "../model/types.ts";
import { gradientGraph, gradientNames } from "./graphs.ts";
import type { ParameterLayout } from "./parameter-layout.ts";
import { openSession } from "./open-session.ts";
import type { TrainTask } from "./types.ts";

/** Two arrays of one layout. */
export interface GradientArrays {
  weights: Float32Array;
  gradients: Float32Array;
}

export interface GradientSettings {
  task: TrainTask;
  config: ModelConfig;
  adapter?: LoraSettings | undefined;
  threads: number;
}

export class GradientPass {
  private readonly sessions: Sessions;
  private readonly settings: GradientSettings;
  private readonly layout: ParameterLayout;

  constructor(sessions: Sessions, settings: GradientSettings, layout: ParameterLayout) {
    this.sessions = sessions;
    this.settings = settings;
    this.layout = layout;
  }

  /** Loss and metrics. Gradients are written to their array, added to what is there where `adding`. */
  async run(
    { weights, gradients }: GradientArrays,
    feeds: Record<string, OrtTensor>,
    adding: boolean,
  ): Promise<Record<string, number>> {
    const { task, config, adapter, threads } = this.settings;
    // Another session where it adds, opened when a step has a second micro-batch here.
    const session = await openSession(this.sessions, threads, config, gradientGraph, (of) => [
      task,
      config,
      { adding, adapter, threads: of },
    ]);
    const into = this.layout.tensors(gradients, gradientNames.gradient);
    const sums = adding ? this.layout.tensors(gradients, gradientNames.sum) : {};
    const outputs = await session.raw({ ...this.layout.tensors(weights), ...sums, ...feeds }, into);
    const values = Object.entries(outputs).filter(([name]) => !(name in into));
    return Object.fromEntries(
      values.map(([name, tensor]) => [name, (tensor.data as Float32Array)[0] as number]),
    );
  }
}
