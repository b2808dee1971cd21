// The two passes of training over a model: the gradients of a micro-batch, and a reference's
// log-probabilities. Both run in the thread of the training loop and in the threads of the other
// data-parallel workers.
import type { Tensor as OrtTensor } from "onnxruntime-node";
import type { Graph } from "../graph/graph.ts";
import type { Session, SessionOptions } from "../graph/session.ts";
import type { Sessions } from "../graph/sessions.ts";
import { headsAtOnce, leastTokens } from "../graph/threads.ts";
import type { LoraSettings } from "../model/lora.ts";
import { packForLogps } from "../model/pack.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import { loadWeights, toFeeds } from "../score/weights.ts";
import type { LoadedWeights } from "../score/weights.ts";
import type { BatchRow } from "./batches.ts";
import { groupsOf } from "./graph-inputs.ts";
import { gradientGraph, gradientNames, referenceGraph } from "./graphs.ts";
import { rowLength } from "./rows.ts";
import type { ParameterLayout } from "./trainable-parameters.ts";
import type { TrainTask } from "./types.ts";

/**
 * No spinning: on cores shared with other processes it doubled the time of a step on two threads. No memory
 * pattern: docs/engine.md, "Memory of training".
 */
export const sessionOptions = (threads: number, config: ModelConfig): SessionOptions => ({
  threads: Math.min(threads, headsAtOnce(config)),
  spinning: false,
  memoryPattern: false,
});

/** Opens the session of a graph that is built for the number of threads that the session has. */
function openSession<Args extends readonly unknown[] | []>(
  sessions: Sessions,
  threads: number,
  config: ModelConfig,
  make: (...args: Args) => Graph,
  argsFor: (threads: number) => Args,
): Promise<Session> {
  const options = sessionOptions(threads, config);
  return sessions.open(make, argsFor(options.threads), options);
}

/** Two arrays with the same layout. */
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

  /**
   * Returns loss and metrics. Writes the gradients to their array; with `adding`, adds them to its values.
   */
  async run(
    { weights, gradients }: GradientArrays,
    feeds: Record<string, OrtTensor>,
    adding: boolean,
  ): Promise<Record<string, number>> {
    const { task, config, adapter, threads } = this.settings;
    // Adding has a session of its own, opened when this worker gets a second micro-batch of a step.
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

/** A model, or weights that are loaded already: an adapter's base. */
export type Reference = Checkpoint | { config: ModelConfig; loaded: LoadedWeights };

/** Log-probabilities of the tokens of each answer; for each row, its first answer then its second. */
export type BatchLogps = number[][];

export interface PassHooks {
  signal?: AbortSignal | undefined;
  onBatch?: ((done: number, total: number) => void) | undefined;
}

/** The log-probabilities of every batch's answers under the reference. */
export async function referencePass(
  sessions: Sessions,
  reference: Reference,
  batches: readonly BatchRow[][],
  threads: number,
  { signal, onBatch }: PassHooks = {},
): Promise<BatchLogps[]> {
  const { config } = reference;
  const session = await openSession(sessions, threads, config, referenceGraph, (of) => [config, of]);
  const tables = rotaryTables(config, Math.max(...batches.flat().map(rowLength)));
  const constantFeeds = {
    ...("loaded" in reference ? reference.loaded : loadWeights(reference)),
    ...toFeeds({ ...tables }),
  };
  const logps: BatchLogps[] = [];
  for (const rows of batches) {
    signal?.throwIfAborted();
    const { resultOf, ...encoded } = packForLogps(groupsOf(rows), { leastTokens: leastTokens(config) });
    const outputs = await session.raw({ ...constantFeeds, ...toFeeds(encoded) });
    logps.push(byAnswer(rows.length, outputs["logps"]!.data as Float32Array, resultOf.data as BigInt64Array));
    onBatch?.(logps.length, batches.length);
  }
  return logps;
}

/** Results are numbered with all first answers before all second ones. */
function byAnswer(rows: number, logps: Float32Array, resultOf: BigInt64Array): BatchLogps {
  const answers = Array.from({ length: rows * 2 }, (): number[] => []);
  for (const [token, logp] of logps.entries()) {
    const result = Number(resultOf[token]);
    answers[2 * (result % rows) + Math.floor(result / rows)]!.push(logp);
  }
  return answers;
}
