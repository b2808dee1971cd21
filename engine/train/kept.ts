// Whether what a training worked with (workshop.ts) is kept for the next one. An arena of onnxruntime holds the most that its session ever
// took until the session is closed, and a process that only waits for its next training stands beside those that generate.
import { parametersOf } from "../model/parameters.ts";
import type { ModelConfig } from "../model/types.ts";
import { usesReference } from "./loss-inputs.ts";
import { floatsOfLayer, floatsOfVocabulary, rowBytes } from "./micro-batch.ts";
import { batchTokens } from "./reference.ts";
import type { TrainTask } from "./types.ts";

/** By the estimate below, which is of full rows: real pairs left 0.4 GB where it says 0.95, and no more after seven trainings than after one. */
const keptBytes = 1e9;

const weightBytes = (config: ModelConfig): number =>
  parametersOf(config).reduce(
    (total, { shape }) => total + 4 * shape.reduce((size, dim) => size * dim, 1),
    0,
  );

export interface RowsAtOnce {
  microBatch: number;
  lanes: number;
  /** Tokens of the longest sequence. */
  longest: number;
}

/** Of a reference in two lanes: a layer's values are let go with the layer. A lane has a copy of the model, twice while it arrives. */
function referenceBytes(config: ModelConfig, longest: number): number {
  const tokens = Math.max(batchTokens, 2 * longest);
  return (
    2 * 4 * tokens * (floatsOfLayer(config, longest) + floatsOfVocabulary(config)) + 2 * weightBytes(config)
  );
}

/** Bytes that the sessions of a training hold when it ends. */
function heldBytes(config: ModelConfig, task: TrainTask, { microBatch, lanes, longest }: RowsAtOnce): number {
  return (
    lanes * microBatch * rowBytes(config, task, longest) +
    (usesReference(task) ? referenceBytes(config, longest) : 0)
  );
}

export const isKept = (config: ModelConfig, task: TrainTask, rows: RowsAtOnce): boolean =>
  heldBytes(config, task, rows) <= keptBytes;
