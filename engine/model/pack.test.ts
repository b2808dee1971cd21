import assert from "node:assert/strict";
import { it } from "node:test";
import type { Tensor } from "../graph/value.ts";
import { packForLogps, packForRewards } from "./pack.ts";
import type { AnswerGroup } from "./pack.ts";

const values = (tensor: Tensor | undefined): number[] => Array.from(tensor!.data, Number);

const learning = { leastTokens: 1 };

/** A pair with a prompt of three tokens, and a single answer whose result is between the pair's. */
const groups: AnswerGroup[] = [
  {
    prompt: [1, 2, 3],
    answers: [
      { ids: [4, 5], result: 0 },
      { ids: [6, 7, 8], result: 2 },
    ],
  },
  { prompt: [1, 9], answers: [{ ids: [4], result: 1 }] },
];

it("rewards are read at the last tokens of the answers, in the order of the results", () => {
  const { tokens, positions, index, inverse } = packForRewards(groups, learning);
  assert.deepEqual(values(tokens), [1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 4]);
  assert.deepEqual(values(positions), [0, 1, 2, 3, 4, 3, 4, 5, 0, 1, 2]);
  assert.deepEqual(values(index), [4, 10, 7]);
  assert.deepEqual(inverse!.shape, [1, 11]);
  assert.deepEqual(values(inverse), [3, 3, 3, 3, 0, 3, 3, 2, 3, 3, 1]);
});

it("each answer has its own copy of the prompt's last token and lacks its own last token", () => {
  const { tokens, index, targets, resultOf } = packForLogps(groups, learning);
  assert.deepEqual(values(tokens), [1, 2, 3, 4, 3, 6, 7, 1, 9]);
  assert.deepEqual(values(index), [2, 3, 4, 5, 6, 8]);
  assert.deepEqual(values(targets), [4, 5, 6, 7, 8, 4]);
  assert.deepEqual(values(resultOf), [0, 0, 2, 2, 2, 1]);
});

it("only the tokens that count are selected", () => {
  const { tokens, index, targets } = packForLogps(
    [{ prompt: [1], answers: [{ ids: [9, 4, 5], result: 0, counts: [false, true, false] }] }],
    learning,
  );
  assert.deepEqual(values(tokens), [1, 9, 4]);
  assert.deepEqual(values(index), [1]);
  assert.deepEqual(values(targets), [4]);
});
