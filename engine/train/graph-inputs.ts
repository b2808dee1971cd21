// The input tensors of a micro-batch under the names that graphs.ts declares. run.ts adds the reference's
// log-probabilities and the shares.
import type { Tensor } from "../graph/value.ts";
import { leastTokens } from "../graph/threads.ts";
import type { Encoded, Sequence } from "../model/encode.ts";
import { packForLogps, packForRewards } from "../model/pack.ts";
import type { AnswerGroup } from "../model/pack.ts";
import type { ModelConfig } from "../model/types.ts";
import type { BatchRow, KtoRow } from "./batches.ts";
import { sequencesOf } from "./rows.ts";
import type { PairRow, TrainTask } from "./types.ts";

/**
 * Position of the first predicted token: after the prompt; or, with `whole` or with the row's own mask, after
 * the first token.
 */
const answerStart = ({ promptLength, lossMask }: Sequence, whole: boolean): number =>
  whole || lossMask ? 1 : promptLength;

/**
 * The groups of one row. `results[i]` is the index of answer i's result. Two answers to one prompt are one
 * group: the prompt is computed once.
 */
function groupsOfRow(row: BatchRow, results: readonly number[], whole: boolean): AnswerGroup[] {
  const groups = sequencesOf(row).map((sequence, index): AnswerGroup => {
    const start = answerStart(sequence, whole);
    const answer = {
      ids: sequence.ids.slice(start),
      result: results[index] as number,
      counts: sequence.lossMask?.slice(start),
    };
    return { prompt: sequence.ids.slice(0, start), answers: [answer] };
  });
  const [first, second] = groups;
  const shared =
    first &&
    second &&
    first.prompt.length === second.prompt.length &&
    first.prompt.every((id, position) => id === second.prompt[position]);
  return shared ? [{ prompt: first.prompt, answers: [...first.answers, ...second.answers] }] : groups;
}

/**
 * A batch as groups. With pairs, the results of all chosen answers come before those of all rejected ones.
 */
export function groupsOf(rows: readonly BatchRow[], whole = false): AnswerGroup[] {
  return rows.flatMap((row, index) => groupsOfRow(row, [index, rows.length + index], whole));
}

const answerLength = ({ ids, promptLength }: Sequence): number => ids.length - promptLength;

/**
 * Length-desensitised DPO (arXiv 2409.06411): the weight of the token at `position` of either answer, 1 up to
 * the length of the shorter answer and `alpha` beyond it.
 */
export function tokenWeights({ chosen, rejected }: PairRow, alpha: number): (position: number) => number {
  const shared = Math.min(answerLength(chosen), answerLength(rejected));
  return (position) => (position < shared ? 1 : alpha);
}

/**
 * One weight per selected token. `resultOf`: the answer of each token, all chosen ones first; the tokens of
 * an answer are in order.
 */
function weightsOfTokens(pairs: readonly PairRow[], resultOf: readonly number[], alpha: number): number[] {
  const weights = pairs.map((pair) => tokenWeights(pair, alpha));
  const passed = new Map<number, number>();
  return resultOf.map((result) => {
    const position = passed.get(result) ?? 0;
    passed.set(result, position + 1);
    return (weights[result % pairs.length] as (position: number) => number)(position);
  });
}

function float32(values: readonly number[]): Tensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

/**
 * The inputs of the loss: numbers per answer, pair or row. `resultOf`: the answer of each selected token, if
 * the encoding has one.
 */
export function lossInputs(task: TrainTask, rows: readonly BatchRow[], resultOf: readonly number[]): Encoded {
  if (task.kind === "sft") return {};
  const pairs = rows as readonly PairRow[];
  if (task.kind === "reward")
    return task.margin ? { margins: float32(pairs.map(({ margin }) => margin as number)) } : {};
  const answerTokens = float32([
    ...pairs.map(({ chosen }) => answerLength(chosen)),
    ...pairs.map(({ rejected }) => answerLength(rejected)),
  ]);
  if (task.kind === "kto")
    return {
      answerTokens,
      desirable: float32((rows as readonly KtoRow[]).map(({ desirable }) => (desirable ? 1 : 0))),
    };
  if (task.ldAlpha === undefined) return { answerTokens };
  return { answerTokens, tokenWeights: float32(weightsOfTokens(pairs, resultOf, task.ldAlpha)) };
}

/** All inputs but weights, rotary tables, the reference and the shares. */
export function inputsOf(task: TrainTask, config: ModelConfig, rows: readonly BatchRow[]): Encoded {
  const learning = { leastTokens: leastTokens(config) };
  if (task.kind === "reward")
    return { ...packForRewards(groupsOf(rows), learning), ...lossInputs(task, rows, []) };
  const { resultOf, ...encoded } = packForLogps(
    groupsOf(rows, task.kind === "sft" && !task.promptMask),
    learning,
  );
  if (task.kind === "sft") return encoded;
  return {
    ...encoded,
    resultOf,
    ...lossInputs(task, rows, Array.from(resultOf.data as BigInt64Array, Number)),
  };
}
