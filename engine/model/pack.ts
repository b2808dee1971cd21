// Groups of answers to one prompt → the input tensors of a packed forward pass (sequences.ts): no token is padding, and no prompt is
// computed twice. For attention a group lies in a row of places, the prompt first, then each answer, whose positions go on where the
// prompt ended; short groups share a row.
//   prompt "a b c" with answers "x y" and "z"   a b c | x y | z   positions 0 1 2 | 3 4 | 3
// Every token can be seen up to the end of what it begins: a prompt's to the end of its group, an answer's to the end of that answer.
import type { Tensor } from "../graph/value.ts";
import { int64, selection } from "./encode.ts";
import type { Encoded } from "./encode.ts";

export interface Answer {
  ids: readonly number[];
  /** The place of this answer's result among those of the batch. */
  result: number;
  /** Which of its tokens count, where not all do. */
  counts?: readonly boolean[] | undefined;
}

export interface AnswerGroup {
  /** One token at least. */
  prompt: readonly number[];
  answers: readonly Answer[];
}

/** Tokens of a group as they are computed. */
interface Tree {
  trunk: readonly number[];
  branches: readonly (readonly number[])[];
}

const lengthOf = ({ trunk, branches }: Tree): number => trunk.length + branches.reduce((total, branch) => total + branch.length, 0);

/** Where each tree begins in rows of `width` places, the longest trees first, each in the first row that has room; and how many rows there are. */
function fit(lengths: readonly number[], width: number): { starts: number[]; rows: number } {
  const starts = new Array<number>(lengths.length);
  const filled: number[] = [];
  for (const [tree, length] of [...lengths.entries()].sort(([a, left], [b, right]) => right - left || a - b)) {
    const found = filled.findIndex((used) => used + length <= width);
    const row = found < 0 ? filled.length : found;
    const used = filled[row] ?? 0;
    starts[tree] = row * width + used;
    filled[row] = used + length;
  }
  return { starts, rows: filled.length };
}

/** The tensors of all trees, and where in the list of tokens each branch begins. */
function arrange(trees: readonly Tree[]): { tensors: Encoded; branchStarts: number[]; count: number } {
  const lengths = trees.map(lengthOf);
  const width = Math.max(...lengths);
  const { starts, rows } = fit(lengths, width);
  const tokens: number[] = [];
  const placeOf: number[] = [];
  const branchStarts: number[] = [];
  // Places without a token see and are seen by each other only; which token stands there does not matter.
  const tokenAt = new Array<number>(rows * width).fill(0);
  const positions = new Array<number>(rows * width).fill(0);
  const until = new Array<number>(rows * width).fill(width);
  for (const [index, { trunk, branches }] of trees.entries()) {
    const start = starts[index] as number;
    let place = start;
    const put = (ids: readonly number[], firstPosition: number, end: number): void => {
      for (const [offset, id] of ids.entries()) {
        tokenAt[place] = tokens.length;
        positions[place] = firstPosition + offset;
        until[place] = end % width || width;
        placeOf.push(place++);
        tokens.push(id);
      }
    };
    put(trunk, 0, start + (lengths[index] as number));
    for (const branch of branches) {
      branchStarts.push(tokens.length);
      put(branch, trunk.length, place + branch.length);
    }
  }
  const square = [rows, width];
  const tensors = { tokens: int64(tokens), placeOf: int64(placeOf), tokenAt: int64(tokenAt), positions: int64(positions, square), until: int64(until, square) };
  return { tensors, branchStarts, count: tokens.length };
}

/**
 * For the log-probabilities of the answers' tokens. Besides the selection: the token that each selected position is to predict, and the
 * result it counts in. The prompt's last token predicts the first one of each answer, so each answer begins with its own copy of it;
 * the last token of an answer predicts nothing and is left out.
 */
export function packForLogps(groups: readonly AnswerGroup[]): Encoded & { resultOf: Tensor } {
  const trees = groups.map(({ prompt, answers }): Tree => ({ trunk: prompt.slice(0, -1), branches: answers.map(({ ids }) => [...prompt.slice(-1), ...ids.slice(0, -1)]) }));
  const { tensors, branchStarts, count } = arrange(trees);
  const index: number[] = [];
  const targets: number[] = [];
  const resultOf: number[] = [];
  for (const [branch, { ids, result, counts }] of groups.flatMap(({ answers }) => answers).entries()) {
    for (const [offset, target] of ids.entries()) {
      if (counts && !counts[offset]) continue;
      index.push((branchStarts[branch] as number) + offset);
      targets.push(target);
      resultOf.push(result);
    }
  }
  return { ...tensors, ...selection(index, count), targets: int64(targets), resultOf: int64(resultOf) };
}

/** For what is read at the last token of each answer, in the order of the results. */
export function packForRewards(groups: readonly AnswerGroup[]): Encoded {
  const { tensors, branchStarts, count } = arrange(groups.map(({ prompt, answers }) => ({ trunk: prompt, branches: answers.map(({ ids }) => ids) })));
  const last: number[] = [];
  for (const [branch, { ids, result }] of groups.flatMap(({ answers }) => answers).entries()) last[result] = (branchStarts[branch] as number) + ids.length - 1;
  return { ...tensors, ...selection(last, count) };
}
