import assert from "node:assert/strict";
import { it } from "node:test";
import { batchesOf } from "./batches.ts";

const row = (prompt: number[], length: number) => ({
  ids: [...prompt, ...new Array<number>(length).fill(9)],
  promptLength: prompt.length,
});
const placed = (rows: ReturnType<typeof row>[], most: number): number[][][] =>
  batchesOf(rows, most).map((batch) => batch.map(({ rows: of }) => of.map(({ at }) => at)));

it("consecutive rows with the same prompt are a group; an equal beginning is not enough", () => {
  assert.deepEqual(
    placed([row([1, 2], 3), row([1, 2], 3), row([1], 4), row([1, 3], 3), row([1, 2], 3)], 100),
    [[[0, 1], [2], [3], [4]]],
  );
});

it("groups are batched by their longest row, up to a number of tokens that counts a prompt once", () => {
  const rows = [row([1, 2], 6), row([1, 2], 1), row([3], 2), row([4], 2)];
  assert.deepEqual(placed(rows, 9), [[[2], [3]], [[0, 1]]]);
  assert.deepEqual(placed(rows, 15), [[[2], [3], [0, 1]]]);
});

it("a group with too many tokens is cut between answers, and a row that is too long is a batch", () => {
  assert.deepEqual(placed([row([1, 2], 3), row([1, 2], 3), row([1, 2], 3)], 8), [[[0, 1]], [[2]]]);
  assert.deepEqual(placed([row([1], 30), row([1], 2)], 8), [[[1]], [[0]]]);
});
