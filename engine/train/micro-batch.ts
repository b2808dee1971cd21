// How many rows of a batch are computed at once: a pure function of the model and the settings, because products of other sizes may
// round differently.
import { needsWholeBatch } from "../loss/index.ts";
import type { ModelConfig } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { ofTokensName } from "./graphs.ts";
import { termsOf } from "./loss-inputs.ts";
import type { TrainTask } from "./types.ts";

/**
 * Bytes for what the backward pass needs of the forward pass, but one row is always taken: a pair of 135 M parameters at length 512 needs 3.1 GB,
 * and with weights, gradients and moments (16 bytes per parameter) stays within 8 GB (docs/engine.md).
 */
const budget = 2.5e9;

/**
 * Whether a loss is made of means over rows and over tokens, so that shares of a batch add up to it. KTO is not: each answer is measured
 * against how far the whole batch has moved; nor are losses that sort the pairs of a batch.
 */
export function isSumOfShares(task: TrainTask): boolean {
  return (
    task.kind === "sft" || task.kind === "reward" || (task.kind === "dpo" && !needsWholeBatch(termsOf(task)))
  );
}

/**
 * Floats per token that a layer makes: residual, normed and rearranged states, q, k, v and their mixture, the inner states of the feed-forward
 * part, one row of attention per head.
 */
export function floatsOfLayer(
  { hiddenSize, heads, kvHeads, headSize, intermediateSize }: ModelConfig,
  width: number,
): number {
  return 6 * hiddenSize + (4 * heads + 2 * kvHeads) * headSize + 5 * intermediateSize + heads * width;
}

/** Floats per token of the vocabulary: logits, their log-softmax and its gradient. */
export const floatsOfVocabulary = ({ vocabSize }: ModelConfig): number => 4 * vocabSize;

/** Bytes that the backward pass of one row, or of a pair, needs of the forward pass. */
export function rowBytes(config: ModelConfig, task: TrainTask, maxLength: number): number {
  const tokens = task.kind === "sft" ? maxLength : 2 * maxLength;
  return 4 * tokens * (config.layers * floatsOfLayer(config, maxLength) + floatsOfVocabulary(config));
}

/** Rows at once when the settings do not say: half of the batch, for two lanes (lanes.ts), or as many as two lanes have room for. */
export function defaultMicroBatch(
  config: ModelConfig,
  task: TrainTask,
  { batch, maxLength }: Pick<OptimizerSettings, "batch" | "maxLength">,
): number {
  if (!isSumOfShares(task)) return batch;
  return Math.max(
    1,
    Math.min(Math.ceil(batch / 2), Math.floor(budget / 2 / rowBytes(config, task, maxLength))),
  );
}

/** How many micro-batches are computed side by side: a matter of time and memory, and of no bit. */
export function lanesFor(
  config: ModelConfig,
  task: TrainTask,
  { batch, microBatch, maxLength }: Pick<OptimizerSettings, "batch" | "maxLength"> & { microBatch: number },
  threads: number,
): number {
  return Math.max(
    1,
    Math.min(
      threads,
      Math.ceil(batch / microBatch),
      Math.floor(budget / (microBatch * rowBytes(config, task, maxLength))),
    ),
  );
}

/**
 * The values of a step from those of its micro-batches. The loss is a mean over rows but for its part that is one over tokens; `sharesFor`: of
 * what a metric is a mean over.
 */
export function joinedValues(
  values: readonly Record<string, number>[],
  shares: readonly number[],
  sharesFor: (metric: string) => readonly number[],
): Record<string, number> {
  const [first = {}] = values;
  const { [ofTokensName]: hasTokenPart, ...names } = first;
  const column = (name: string): number[] => values.map((of) => of[name] as number);
  const all = Object.fromEntries(
    Object.keys(names).map((name) => [name, joined(name, column(name), sharesFor(name))]),
  );
  if (hasTokenPart === undefined || values.length === 1) return all;
  const ofRows = values.map((of) => (of["loss"] as number) - (of[ofTokensName] as number));
  return {
    ...all,
    loss: joined("loss", ofRows, shares) + joined("loss", column(ofTokensName), sharesFor(ofTokensName)),
  };
}

/** One value from those of the micro-batches: the smallest or largest where its name says so, else the mean by their shares. */
function joined(name: string, values: readonly number[], shares: readonly number[]): number {
  if (name.startsWith("min_")) return Math.min(...values);
  if (name.startsWith("max_")) return Math.max(...values);
  return values.reduce((mean, value, part) => mean + value * (shares[part] as number), 0);
}

/** Pieces of `size` rows, in order; the last one may be smaller. */
export function cut<Row>(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) =>
    rows.slice(index * size, (index + 1) * size),
  );
}

export function sharesOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Values of pairs that are means over the tokens of answers, and of which. */
const answersOf: Record<string, readonly ("chosen" | "rejected")[]> = {
  [ofTokensName]: ["chosen"],
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
  const sum = (from: number): number =>
    answerTokens.subarray(from, from + half).reduce((total, tokens) => total + tokens, 0);
  return answers.reduce((total, answer) => total + sum(answer === "chosen" ? 0 : half), 0);
}
