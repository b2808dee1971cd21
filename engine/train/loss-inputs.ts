// What the losses take besides the forward pass: numbers of each answer, pair or row of a batch.
import type { Tensor } from "../graph/value.ts";
import type { Encoded, Sequence } from "../model/encode.ts";
import { needsReference } from "../loss/index.ts";
import type { PreferenceTerm } from "../loss/index.ts";
import type { JudgedRow, LaidRow } from "./layout.ts";
import type { PairRow, TrainTask } from "./types.ts";

/** DPO as it was first written: what a task without a list of losses means. */
const plain: readonly PreferenceTerm[] = [{ type: "sigmoid", weight: 1 }];

export const termsOf = ({ losses = plain }: Extract<TrainTask, { kind: "dpo" }>): readonly PreferenceTerm[] =>
  losses;

/** Whether log-probabilities under a reference enter the training. */
export function usesReference(task: TrainTask): boolean {
  return task.kind === "kto" || (task.kind === "dpo" && needsReference(termsOf(task)));
}

const answerLength = ({ ids, promptLength }: Sequence): number => ids.length - promptLength;

/**
 * Length-desensitised DPO (arXiv 2409.06411): what each token of two answers counts, 1 up to the length of the shorter one and `alpha`
 * beyond it. Gives the weight of token `place` of an answer.
 */
export function tokenWeights({ chosen, rejected }: PairRow, alpha: number): (place: number) => number {
  const shared = Math.min(answerLength(chosen), answerLength(rejected));
  return (place) => (place < shared ? 1 : alpha);
}

/** One weight per selected token; `resultOf`: the answer it belongs to, all chosen ones first. The tokens of an answer are in order. */
function weightsOfTokens(pairs: readonly PairRow[], resultOf: readonly number[], alpha: number): number[] {
  const weights = pairs.map((pair) => tokenWeights(pair, alpha));
  const passed = new Map<number, number>();
  return resultOf.map((result) => {
    const place = passed.get(result) ?? 0;
    passed.set(result, place + 1);
    return (weights[result % pairs.length] as (place: number) => number)(place);
  });
}

function float32(values: readonly number[]): Tensor {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

/** `rows` as they were laid out in steps; `resultOf`: the answer of each selected token, where the encoding has one. */
export function lossInputs(task: TrainTask, rows: readonly LaidRow[], resultOf: readonly number[]): Encoded {
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
      desirable: float32((rows as readonly JudgedRow[]).map(({ desirable }) => (desirable ? 1 : 0))),
    };
  return {
    answerTokens,
    ...(task.ldAlpha === undefined
      ? {}
      : { tokenWeights: float32(weightsOfTokens(pairs, resultOf, task.ldAlpha)) }),
  };
}
