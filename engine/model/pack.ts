// Groups of answers to one prompt → the input tensors of training's forward pass: segments, and the selected
// tokens.
import type { Tensor } from "../graph/value.ts";
import { int64, selection } from "./encode.ts";
import type { Encoded } from "./encode.ts";
import { arrangeSegments } from "./segments.ts";
import type { Learning, PromptGroup } from "./segments.ts";

export interface Answer {
  ids: readonly number[];
  /** Index of this answer's result in the batch. */
  result: number;
  /** Which of its tokens count; all if absent. */
  counts?: readonly boolean[] | undefined;
}

export interface AnswerGroup {
  /** At least one token. */
  prompt: readonly number[];
  answers: readonly Answer[];
}

/**
 * Attention is padded to the longest row of a bucket. More buckets mean less padding but more operations,
 * which cost a small step more.
 */
export const TRAINING_BUCKETS = 4;

interface Packed {
  tensors: Encoded;
  /** Index of each answer's first token in the list of tokens. */
  starts: number[];
  /** Number of tokens. */
  count: number;
}

function pack(groups: readonly PromptGroup[], learning: Learning): Packed {
  const { tensors, starts } = arrangeSegments(groups, TRAINING_BUCKETS, learning);
  return {
    tensors,
    starts: starts.flatMap(({ answers }) => answers),
    count: (tensors["tokens"] as Tensor).data.length,
  };
}

/**
 * For log-probabilities of the answers' tokens. Besides the selection it makes `targets`, the token that each
 * selected position predicts, and `resultOf`, the result in which it counts. The prompt's last token predicts
 * the first token of each answer, so each answer begins with its own copy of it. The last token of an answer
 * predicts nothing and is left out.
 */
export function packForLogps(
  groups: readonly AnswerGroup[],
  learning: Learning,
): Encoded & { resultOf: Tensor } {
  const { tensors, starts, count } = pack(
    groups.map(({ prompt, answers }) => ({
      prompt: prompt.slice(0, -1),
      answers: answers.map(({ ids }) => [...prompt.slice(-1), ...ids.slice(0, -1)]),
    })),
    learning,
  );
  const index: number[] = [];
  const targets: number[] = [];
  const resultOf: number[] = [];
  for (const [answer, { ids, result, counts }] of groups.flatMap(({ answers }) => answers).entries()) {
    for (const [offset, target] of ids.entries()) {
      if (counts && !counts[offset]) continue;
      index.push((starts[answer] as number) + offset);
      targets.push(target);
      resultOf.push(result);
    }
  }
  return { ...tensors, ...selection(index, count), targets: int64(targets), resultOf: int64(resultOf) };
}

/** For rewards: selects the last token of each answer, in the order of the results. */
export function packForRewards(groups: readonly AnswerGroup[], learning: Learning): Encoded {
  const { tensors, starts, count } = pack(
    groups.map(({ prompt, answers }) => ({ prompt, answers: answers.map(({ ids }) => ids) })),
    learning,
  );
  const last: number[] = [];
  for (const [answer, { ids, result }] of groups.flatMap(({ answers }) => answers).entries())
    last[result] = (starts[answer] as number) + ids.length - 1;
  return { ...tensors, ...selection(last, count) };
}
