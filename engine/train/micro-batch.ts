// Micro-batches: how many rows are computed at once, and how their values become those of a step. The number
// of rows is a pure function of the model and the settings, because products of other sizes may round
// differently.
import type { Tensor } from "../graph/value.ts";
import type { Encoded } from "../model/encode.ts";
import type { ModelConfig } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { propertiesOf, shareNames, TOKEN_PART } from "./graphs.ts";
import type { TrainTask } from "./types.ts";

/**
 * Bytes for what the backward pass needs of the forward pass. One row is always computed, even if it needs
 * more: a pair of 135 M parameters at length 512 needs 3.1 GB, and with weights, gradients and moments (16
 * bytes per parameter) stays within 8 GB (docs/engine.md).
 */
const FORWARD_BYTES_MAX = 2.5e9;

/** Tokens per batch of a reference: enough for products at full speed. */
export const REFERENCE_BATCH_TOKENS = 2048;

export interface BatchSizes {
  microBatch: number;
  /** Data-parallel workers. */
  workers: number;
  /** Tokens of the longest sequence. */
  longest: number;
}

/**
 * Floats per token that a layer makes: residual, normed and rearranged states; q, k, v and their mixture; the
 * inner states of the feed-forward block; one row of attention per head.
 */
export function floatsOfLayer(
  { hiddenSize, heads, kvHeads, headSize, intermediateSize }: ModelConfig,
  width: number,
): number {
  return 6 * hiddenSize + (4 * heads + 2 * kvHeads) * headSize + 5 * intermediateSize + heads * width;
}

/** Floats per token of the vocabulary: logits, their log-softmax and its gradient. */
export const floatsOfVocabulary = ({ vocabSize }: ModelConfig): number => 4 * vocabSize;

/** Bytes that the backward pass of one row (a sequence or a pair) needs of the forward pass. */
export function rowBytes(config: ModelConfig, task: TrainTask, maxLength: number): number {
  const tokens = task.kind === "sft" ? maxLength : 2 * maxLength;
  return 4 * tokens * (config.layers * floatsOfLayer(config, maxLength) + floatsOfVocabulary(config));
}

/** The default: half of the batch, for two workers, or as many rows as two workers have memory for. */
export function defaultMicroBatch(
  config: ModelConfig,
  task: TrainTask,
  { batch, maxLength }: Pick<OptimizerSettings, "batch" | "maxLength">,
): number {
  if (propertiesOf(task).wholeBatch) return batch;
  return Math.max(
    1,
    Math.min(Math.ceil(batch / 2), Math.floor(FORWARD_BYTES_MAX / 2 / rowBytes(config, task, maxLength))),
  );
}

/** Number of data-parallel workers. It depends on time and memory, and changes no bit. */
export function workersFor(
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
      Math.floor(FORWARD_BYTES_MAX / (microBatch * rowBytes(config, task, maxLength))),
    ),
  );
}

/** Pieces of `size` rows, in order; the last one may be smaller. */
export function cut<Row>(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) =>
    rows.slice(index * size, (index + 1) * size),
  );
}

const scalar = (value = 0): Tensor => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });

/**
 * Loss and metrics of a step. `run` computes the micro-batches. Their inputs get their shares: of the batch's
 * tokens for SFT, else of its rows; for the token part of a loss, of the chosen answers' tokens.
 */
export async function valuesOfStep(
  task: TrainTask,
  microBatches: readonly { rows: number; feeds: Encoded }[],
  run: (microBatches: readonly Encoded[]) => Promise<Record<string, number>[]>,
): Promise<Record<string, number>> {
  const weights = microBatches.map(({ rows, feeds }) =>
    task.kind === "sft" ? (feeds["index"] as Tensor).data.length : rows,
  );
  const shares = sharesOf(weights);
  const sharesFor = (metric: string): number[] =>
    sharesOf(microBatches.map(({ feeds }, part) => tokensOf(metric, feeds) ?? (weights[part] as number)));
  const tokenShares = propertiesOf(task).tokenPart ? sharesFor(TOKEN_PART) : undefined;
  const shared = microBatches.map(({ feeds }, part): Encoded => {
    const ofRows = { ...feeds, [shareNames.rows]: scalar(shares[part]) };
    return tokenShares ? { ...ofRows, [shareNames.tokens]: scalar(tokenShares[part]) } : ofRows;
  });
  return joinedValues(await run(shared), shares, sharesFor);
}

function sharesOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/**
 * Metrics of pairs that are means over tokens, and the answers whose tokens they are. All other metrics are
 * means over rows.
 */
const TOKEN_METRICS: Record<string, readonly ("chosen" | "rejected")[]> = {
  [TOKEN_PART]: ["chosen"],
  entropy: ["chosen", "rejected"],
  mean_token_accuracy: ["chosen"],
  "logits/chosen": ["chosen"],
  "logits/rejected": ["rejected"],
};

/** Number of tokens that a metric is a mean over; undefined if it is a mean over rows. */
function tokensOf(metric: string, feeds: Encoded): number | undefined {
  const answers = TOKEN_METRICS[metric];
  /** Of all chosen answers, then of all rejected ones. */
  const answerTokens = feeds["answerTokens"]?.data as Float32Array | undefined;
  if (!answers || !answerTokens) return undefined;
  const half = answerTokens.length / 2;
  const sum = (from: number): number =>
    answerTokens.subarray(from, from + half).reduce((total, tokens) => total + tokens, 0);
  return answers.reduce((total, answer) => total + sum(answer === "chosen" ? 0 : half), 0);
}

/** The values of all micro-batches as one. The loss is a mean over rows, except its token part. */
function joinedValues(
  values: readonly Record<string, number>[],
  shares: readonly number[],
  sharesFor: (metric: string) => readonly number[],
): Record<string, number> {
  const [first = {}] = values;
  const { [TOKEN_PART]: tokenPart, ...names } = first;
  const column = (name: string): number[] => values.map((of) => of[name] as number);
  const all = Object.fromEntries(
    Object.keys(names).map((name) => [name, joined(name, column(name), sharesFor(name))]),
  );
  if (tokenPart === undefined || values.length === 1) return all;
  const rowParts = values.map((of) => (of["loss"] as number) - (of[TOKEN_PART] as number));
  return {
    ...all,
    loss: joined("loss", rowParts, shares) + joined("loss", column(TOKEN_PART), sharesFor(TOKEN_PART)),
  };
}

/**
 * One value from those of the micro-batches: the smallest or largest if its name says so, else the mean by
 * their shares.
 */
function joined(name: string, values: readonly number[], shares: readonly number[]): number {
  if (name.startsWith("min_")) return Math.min(...values);
  if (name.startsWith("max_")) return Math.max(...values);
  return values.reduce((mean, value, part) => mean + value * (shares[part] as number), 0);
}
