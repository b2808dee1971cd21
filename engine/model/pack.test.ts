import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "../graph/value.ts";
import { packForLogps, packForRewards } from "./pack.ts";

const groups = [
  { prompt: [1, 2, 3], answers: [{ ids: [4, 5], result: 0 }, { ids: [6, 7, 8], result: 2 }] },
  { prompt: [1, 9], answers: [{ ids: [4], result: 1 }] },
];

const values = (tensor: Tensor | undefined): number[] => Array.from(tensor!.data as BigInt64Array, Number);

test("a prompt stands once before its answers, whose positions go on from it and whose spans end with them", () => {
  const { tokens, positions, until, tokenAt, placeOf, index, inverse } = packForRewards(groups);
  assert.deepEqual(values(tokens), [1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 4]);
  assert.deepEqual(positions!.shape, [2, 8]);
  assert.deepEqual(values(positions), [0, 1, 2, 3, 4, 3, 4, 5, 0, 1, 2, 0, 0, 0, 0, 0]);
  // Padding is seen to the end of the row, but tokens end before it begins.
  assert.deepEqual(values(until), [8, 8, 8, 5, 5, 8, 8, 8, 3, 3, 3, 8, 8, 8, 8, 8]);
  assert.deepEqual(values(placeOf), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual(values(tokenAt), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0]);
  // The last tokens of the answers, in the order of the results.
  assert.deepEqual(values(index), [4, 10, 7]);
  assert.deepEqual(values(inverse), [3, 3, 3, 3, 0, 3, 3, 2, 3, 3, 1]);
});

test("each answer is predicted from its own copy of the prompt's last token, and its last token is left out", () => {
  const { tokens, index, targets, resultOf } = packForLogps(groups);
  assert.deepEqual(values(tokens), [1, 2, 3, 4, 3, 6, 7, 1, 9]);
  assert.deepEqual(values(index), [2, 3, 4, 5, 6, 8]);
  assert.deepEqual(values(targets), [4, 5, 6, 7, 8, 4]);
  assert.deepEqual(values(resultOf), [0, 0, 2, 2, 2, 1]);
});

test("of whole rows every token but the first is predicted", () => {
  const { tokens, index, targets } = packForLogps([groups[1]!], true);
  assert.deepEqual(values(tokens), [1, 9]);
  assert.deepEqual(values(index), [0, 1]);
  assert.deepEqual(values(targets), [9, 4]);
});
