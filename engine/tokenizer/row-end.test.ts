// test/golden/templates/templates.test.ts compares with TRL; here are the cases that no trainer has.
import assert from "node:assert/strict";
import { it } from "node:test";
import { closedAnswer } from "./row-end.ts";
import type { RowEnding } from "./row-end.ts";

const WORDS: Record<number, string> = {
  1: "</s>",
  2: "<|end|>",
  3: "\n",
  4: "a",
  5: "b",
  6: "b\n",
  7: "STOP",
};
const text = (ids: readonly number[]): string => ids.map((id) => WORDS[id]).join("");

const ending = (closing: number[]): RowEnding => ({
  closing,
  ends: new Set([1, 2]),
  decode: (ids) => text(ids.filter((id) => id > 2)),
  written: text,
  encode: (answer) => [...[...answer].map((letter) => (letter === "a" ? 4 : 5)), ...closing],
});

const close = (closing: number[], ids: number[], more: { text?: string; finish?: "stop" } = {}): number[] =>
  closedAnswer({ ids, text: text(ids.filter((id) => id > 2)), ...more }, ending(closing));

it("what a template writes behind the end of an answer is added, once", () => {
  assert.deepEqual(close([1, 3], [4, 5, 1]), [4, 5, 1, 3]);
  assert.deepEqual(close([1], [4, 5, 1]), [4, 5, 1]);
  assert.deepEqual(close([2, 3, 1], [4, 2]), [4, 2, 3, 1]);
  assert.deepEqual(close([1, 3], [1]), [1, 3], "an empty answer");
});

it("an end that the template does not write is replaced by its closing", () => {
  assert.deepEqual(close([2, 3], [4, 5, 1]), [4, 5, 2, 3]);
  assert.deepEqual(close([2, 3, 1], [4, 1]), [4, 2, 3, 1]);
  assert.deepEqual(close([], [4, 1]), [4, 1], "a template that cannot write answers leaves them as sampled");
});

it("what a template writes before the end is not written twice", () => {
  assert.deepEqual(close([3, 1], [4, 3, 1]), [4, 3, 1]);
  assert.deepEqual(close([3, 1], [4, 6, 1]), [4, 6, 1], "as part of a merged token");
  assert.deepEqual(close([3, 1], [4, 5, 1]), [4, 5, 3, 1]);
});

it("an answer that a stop text ended is its text, closed; one that was cut off stays as it is", () => {
  assert.deepEqual(close([1, 3], [4, 5, 7], { text: "ab", finish: "stop" }), [4, 5, 1, 3]);
  assert.deepEqual(close([1, 3], [4, 5, 7], { text: "ab" }), [4, 5, 1, 3]);
  assert.deepEqual(close([1, 3], [4, 5]), [4, 5]);
});
