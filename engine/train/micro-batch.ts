// How many rows of a batch are computed at once: a pure function of the model and the settings, because products of other sizes may
// round differently.
import { needsWholeBatch } from "../loss/index.ts";
import type { ModelConfig } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { termsOf } from "./loss-inputs.ts";
import type { TrainTask } from "./types.ts";

/** Bytes for what the backward pass needs of the forward pass. With it 135 M parameters train at length 512 in 8 GB. */
const budget = 2.5e9;

/** Whether a loss is a mean over rows or tokens, so that shares of a batch add up to it. */
export function isSumOfShares(task: TrainTask): boolean {
  return task.kind === "sft" || task.kind === "reward" || (task.kind === "dpo" && !needsWholeBatch(termsOf(task)));
}

/**
 * Floats kept per token. Of each layer: residual, normed and rearranged states, q, k, v and their mixture, the inner states of the feed-forward
 * part, one row of attention per head. Of the vocabulary: logits, their log-softmax and its gradient.
 */
function floatsPerToken(config: ModelConfig, width: number): number {
  const { layers, hiddenSize, heads, kvHeads, headSize, intermediateSize, vocabSize } = config;
  return layers * (6 * hiddenSize + (4 * heads + 2 * kvHeads) * headSize + 5 * intermediateSize + heads * width) + 4 * vocabSize;
}

/** Rows at once when the settings do not say. */
export function defaultMicroBatch(config: ModelConfig, task: TrainTask, { batch, maxLength }: Pick<OptimizerSettings, "batch" | "maxLength">): number {
  if (!isSumOfShares(task)) return batch;
  const tokens = task.kind === "sft" ? maxLength : 2 * maxLength;
  return Math.max(1, Math.min(batch, Math.floor(budget / (4 * tokens * floatsPerToken(config, maxLength)))));
}

/** One value of a step from those of its micro-batches: the smallest or largest where its name says so, else the mean by their shares. */
export function joined(name: string, values: readonly number[], shares: readonly number[]): number {
  if (name.startsWith("min_")) return Math.min(...values);
  if (name.startsWith("max_")) return Math.max(...values);
  return values.reduce((mean, value, part) => mean + value * (shares[part] as number), 0);
}

/** Pieces of `size` rows, in order; the last one may be smaller. */
export function cut<Row>(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) => rows.slice(index * size, (index + 1) * size));
}

export function sharesOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Metrics of pairs that are means over the tokens of answers, and of which. */
const answersOf: Record<string, readonly ("chosen" | "rejected")[]> = {
  entropy: ["chosen", "rejected"],
  mean_token_accuracy: ["chosen"],
  "logits/chosen": ["chosen"],
  "logits/rejected": ["rejected"],
};

/** The tokens that a metric is a mean over; undefined where that is rows. `answerTokens`: of all chosen answers, then of all rejected ones. */
export function tokensOf(metric: string, answerTokens: Float32Array | undefined): number | undefined {
  const answers = answersOf[metric];
  if (!answers || !answerTokens) return undefined;
  const half = answerTokens.length / 2;
  const sum = (from: number): number => answerTokens.subarray(from, from + half).reduce((total, tokens) => total + tokens, 0);
  return answers.reduce((total, answer) => total + sum(answer === "chosen" ? 0 : half), 0);
}
