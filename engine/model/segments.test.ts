import assert from "node:assert/strict";
import { it } from "node:test";
import { arrangeSegments } from "./segments.ts";

it("a prompt and its answers are rows of queries; an answer's keys are its prompt's and its own", () => {
  const { tensors, starts } = arrangeSegments(
    [
      { prompt: [10, 11, 12], answers: [[20, 21], [], [30]] },
      { prompt: [40], answers: [] },
    ],
    1,
  );
  const ints = (name: string): number[] => Array.from(tensors[name]!.data, Number);
  assert.deepEqual(ints("tokens"), [10, 11, 12, 20, 21, 30, 40]);
  assert.deepEqual(ints("positions"), [0, 1, 2, 3, 4, 3, 0]);
  assert.deepEqual(starts, [
    { prompt: 0, answers: [3, 5, 5], row: 0 },
    { prompt: 6, answers: [], row: 3 },
  ]);
  // Rows: prompt, first answer, third answer, other prompt. Each has three queries and five keys; 7 is
  // absent.
  assert.deepEqual(ints("queryAt.0"), [0, 1, 2, 3, 4, 7, 5, 7, 7, 6, 7, 7]);
  assert.deepEqual(ints("placeOf"), [0, 1, 2, 3, 4, 6, 9]);
  assert.deepEqual(ints("keyAt.0"), [0, 1, 2, 7, 7, 0, 1, 2, 3, 4, 0, 1, 2, 5, 7, 6, 7, 7, 7, 7]);
  const { data, shape } = tensors["mask.0"]!;
  assert.deepEqual(shape, [4, 3, 5]);
  const seen = Array.from({ length: 12 }, (_, query) =>
    Array.from({ length: 5 }, (__, key) => (data[query * 5 + key] === 0 ? 1 : 0)).join(""),
  );
  assert.deepEqual(seen.slice(0, 3), ["10000", "11000", "11100"]);
  assert.deepEqual(seen.slice(3, 5), ["11110", "11111"]);
  assert.equal(seen[6], "11110");
});

it("a long answer is several rows, each with the keys of all tokens before it", () => {
  const [prompt, answer] = [[1, 2], Array.from({ length: 70 }, (_, i) => 100 + i)];
  const { tensors, starts } = arrangeSegments([{ prompt, answers: [answer] }], 1);
  const { data, shape } = tensors["mask.0"]!;
  const [rows, queries, keys] = shape as [number, number, number, number];
  assert.deepEqual([rows, queries, keys], [4, 32, 72]);
  assert.deepEqual(starts, [{ prompt: 0, answers: [2], row: 0 }]);
  const keyAt = Array.from(tensors["keyAt.0"]!.data, Number);
  const seenBy = (token: number): number[] => {
    const place = Number(tensors["placeOf"]!.data[token]);
    const row = Math.floor(place / queries);
    return Array.from({ length: keys }, (_, key) => key)
      .filter((key) => data[place * keys + key] === 0)
      .map((key) => keyAt[row * keys + key]!);
  };
  for (const token of [0, 1, 2, 33, 34, 71])
    assert.deepEqual(
      seenBy(token),
      Array.from({ length: token + 1 }, (_, before) => before),
    );
});

it("rows are in buckets by their number of keys; an empty bucket has one unused row", () => {
  const { tensors } = arrangeSegments(
    [
      { prompt: [1, 2, 3], answers: [[4], [5, 6]] },
      { prompt: [7], answers: [] },
    ],
    3,
  );
  const shapes = [0, 1, 2].map((bucket) => tensors[`mask.${bucket}`]!.shape);
  assert.deepEqual(shapes, [
    [1, 1, 1],
    [1, 3, 3],
    [2, 2, 5],
  ]);
  // Tokens 1 2 3 | 4 | 5 6 | 7: the second prompt is first, then the first prompt, then its answers.
  assert.deepEqual(Array.from(tensors["placeOf"]!.data, Number), [1, 2, 3, 4, 6, 7, 0]);
  assert.deepEqual(Array.from(tensors["keyAt.2"]!.data, Number), [0, 1, 2, 3, 7, 0, 1, 2, 4, 5]);
  assert.deepEqual(arrangeSegments([{ prompt: [1], answers: [] }], 2).tensors["mask.0"]!.shape, [1, 1, 1]);
});
