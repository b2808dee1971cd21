import assert from "node:assert/strict";
import { it } from "node:test";
import { arrangeSegments } from "./segments.ts";
import { gatherIndex, gatherIndexOfMany } from "./gather-index.ts";

const N = 6;
/** Token 0 has five positions, token 1 has two, the others have one or none. */
const parts = [
  [0, 1, N, 0],
  [2, 0, 1, 3, 0, N, 0],
].map((part) => Int32Array.from(part));
const numbers = (data: ArrayLike<unknown>): number[] => Array.from(data, Number);

it("holds the one position of each token, counted through all parts", () => {
  const { data, shape } = gatherIndex([Int32Array.of(2, N), Int32Array.of(N, 0, 5)], N);
  assert.deepEqual(
    [shape, numbers(data)],
    [
      [1, N],
      [3, 5, 0, 5, 5, 4],
    ],
  );
});

it("tokens with many positions have a second table, and both tables are as small as possible", () => {
  const { keysOf, "keysOf.more": more, "keysOf.moreOf": moreOf } = gatherIndexOfMany("keysOf", parts, N);
  assert.deepEqual(
    [keysOf!.shape, numbers(keysOf!.data)],
    [
      [1, N],
      [0, 1, 4, 7, 11, 11],
    ],
  );
  assert.deepEqual(
    [more!.shape, numbers(more!.data)],
    [
      [4, 2],
      [3, 6, 5, 11, 8, 11, 10, 11],
    ],
  );
  assert.deepEqual(numbers(moreOf!.data), [0, 1, 2, 2, 2, 2]);
});

it("the second table is empty if all tokens have equally many positions", () => {
  const {
    keysOf,
    "keysOf.more": more,
    "keysOf.moreOf": moreOf,
  } = gatherIndexOfMany("keysOf", [Int32Array.of(1, 0)], 2);
  assert.deepEqual(
    [numbers(keysOf!.data), numbers(more!.data), numbers(moreOf!.data)],
    [[1, 0], [2], [0, 0]],
  );
});

it("the two tables of segments hold every position of every token among all keys", () => {
  const { tensors } = arrangeSegments(
    [
      { prompt: [1, 2], answers: [[3], [4, 5]] },
      { prompt: [6], answers: [] },
    ],
    2,
    { leastTokens: 1 },
  );
  const keyAt = [0, 1].flatMap((bucket) => numbers(tensors[`keyAt.${bucket}`]!.data));
  const column = (name: string, at: number): number[] => {
    const { data, shape } = tensors[name]!;
    return Array.from({ length: shape[0]! }, (_, row) => Number(data[row * shape[1]! + at])).filter(
      (place) => place < keyAt.length,
    );
  };
  const moreOf = numbers(tensors["keysOf.moreOf"]!.data);
  const M = tensors["keysOf.more"]!.shape[1]!;
  const places = moreOf.map((more, token) => [
    ...column("keysOf", token),
    ...(more < M ? column("keysOf.more", more) : []),
  ]);
  assert.deepEqual(
    places.map(({ length }) => length),
    [3, 3, 1, 1, 1, 1],
    "the prompt's tokens are also keys of both answers",
  );
  for (const [token, of] of places.entries())
    assert.deepEqual(
      of,
      keyAt.flatMap((at, place) => (at === token ? [place] : [])),
    );
});
