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

test("short groups share a row, and none sees another", () => {
  const lengths = [2, 5, 3, 2];
  const { positions, until, placeOf } = packForRewards(lengths.map((length, result) => ({ prompt: [1], answers: [{ ids: Array.from({ length: length - 1 }, () => 2), result }] })));
  assert.deepEqual(positions!.shape, [3, 5]);
  // The group of five alone, the one of three with the first of two, the other of two alone.
  assert.deepEqual(values(placeOf), [8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11]);
  assert.deepEqual(values(positions), [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 0, 1, 0, 0, 0]);
  assert.deepEqual(values(until), [5, 5, 5, 5, 5, 3, 3, 3, 5, 5, 2, 2, 5, 5, 5]);
});

test("each answer is predicted from its own copy of the prompt's last token, and its last token is left out", () => {
  const { tokens, index, targets, resultOf } = packForLogps(groups);
  assert.deepEqual(values(tokens), [1, 2, 3, 4, 3, 6, 7, 1, 9]);
  assert.deepEqual(values(index), [2, 3, 4, 5, 6, 8]);
  assert.deepEqual(values(targets), [4, 5, 6, 7, 8, 4]);
  assert.deepEqual(values(resultOf), [0, 0, 2, 2, 2, 1]);
});

test("only the tokens that count are selected", () => {
  const { tokens, index, targets } = packForLogps([{ prompt: [1], answers: [{ ids: [9, 4, 5], result: 0, counts: [false, true, false] }] }]);
  assert.deepEqual(values(tokens), [1, 9, 4]);
  assert.deepEqual(values(index), [1]);
  assert.deepEqual(values(targets), [4]);
});
