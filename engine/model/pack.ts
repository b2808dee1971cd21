// Groups of answers to one prompt → the input tensors of a packed forward pass (sequences.ts): no token is padding, and no prompt is
// computed twice. A row of places is the prompt and then each answer, whose positions go on where the prompt ended:
//   prompt "a b c" with answers "x y" and "z"   a b c | x y | z   positions 0 1 2 | 3 4 | 3
// Every token can be seen up to the end of what it begins: a prompt's by the whole row, an answer's by the rest of that answer.
import { int64, selection } from "./encode.ts";
import type { Encoded } from "./encode.ts";

export interface Answer {
  ids: readonly number[];
  /** The place of this answer's result among those of the batch. */
  result: number;
}

export interface AnswerGroup {
  /** One token at least. */
  prompt: readonly number[];
  answers: readonly Answer[];
}

interface Row {
  trunk: readonly number[];
  branches: readonly (readonly number[])[];
}

const lengthOf = ({ trunk, branches }: Row): number => trunk.length + branches.reduce((total, branch) => total + branch.length, 0);

/** The tensors of all rows, and where in the list of tokens each branch begins. */
function arrange(rows: readonly Row[]): { tensors: Encoded; starts: number[]; count: number } {
  const width = Math.max(...rows.map(lengthOf));
  const tokens: number[] = [];
  const placeOf: number[] = [];
  const starts: number[] = [];
  const places = rows.length * width;
  // Places without a token see and are seen by each other only; which token stands there does not matter.
  const tokenAt = new Array<number>(places).fill(0);
  const positions = new Array<number>(places).fill(0);
  const until = new Array<number>(places).fill(width);
  for (const [index, row] of rows.entries()) {
    let place = index * width;
    const put = (ids: readonly number[], from: number, end: number): void => {
      for (const [offset, id] of ids.entries()) {
        tokenAt[place] = tokens.length;
        positions[place] = from + offset;
        until[place] = end;
        placeOf.push(place++);
        tokens.push(id);
      }
    };
    put(row.trunk, 0, lengthOf(row));
    for (const branch of row.branches) {
      starts.push(tokens.length);
      put(branch, row.trunk.length, place - index * width + branch.length);
    }
  }
  const square = [rows.length, width];
  const tensors = { tokens: int64(tokens), placeOf: int64(placeOf), tokenAt: int64(tokenAt), positions: int64(positions, square), until: int64(until, square) };
  return { tensors, starts, count: tokens.length };
}

/**
 * For the log-probabilities of the answers' tokens, or (`whole`, with one answer per group) of all tokens but the first. Besides the
 * selection: the token that each selected position is to predict, and the result it counts in. The prompt's last token predicts the
 * first one of each answer, so each answer begins with its own copy of it; the last token of an answer predicts nothing and is left out.
 */
export function packForLogps(groups: readonly AnswerGroup[], whole = false): Encoded {
  const starting = ({ prompt }: AnswerGroup): number => (whole ? 0 : prompt.length - 1);
  const rows = groups.map((group): Row => {
    const from = starting(group);
    return { trunk: group.prompt.slice(0, from), branches: group.answers.map(({ ids }) => [...group.prompt.slice(from), ...ids].slice(0, -1)) };
  });
  const { tensors, starts, count } = arrange(rows);
  const index: number[] = [];
  const targets: number[] = [];
  const resultOf: number[] = [];
  let branch = 0;
  for (const group of groups) {
    for (const { ids, result } of group.answers) {
      const start = starts[branch++] as number;
      for (const [offset, target] of [...group.prompt.slice(starting(group) + 1), ...ids].entries()) {
        index.push(start + offset);
        targets.push(target);
        resultOf.push(result);
      }
    }
  }
  return { ...tensors, ...selection(index, count), targets: int64(targets), resultOf: int64(resultOf) };
}

/** For what is read at the last token of each answer, in the order of the results. */
export function packForRewards(groups: readonly AnswerGroup[]): Encoded {
  const { tensors, starts, count } = arrange(groups.map(({ prompt, answers }) => ({ trunk: prompt, branches: answers.map(({ ids }) => ids) })));
  const last: number[] = [];
  for (const [branch, { ids, result }] of groups.flatMap(({ answers }) => answers).entries()) last[result] = (starts[branch] as number) + ids.length - 1;
  return { ...tensors, ...selection(last, count) };
}
