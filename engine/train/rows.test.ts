import assert from "node:assert/strict";
import { it } from "node:test";
import type { Sequence } from "../model/encode.ts";
import { digestRows, usableRows } from "./rows.ts";

const sequence = (promptLength: number, length: number): Sequence => ({
  ids: Array.from({ length }, (_, i) => i + 1),
  promptLength,
});
const pair = (promptLength: number, chosen: number, rejected: number) => ({
  chosen: sequence(promptLength, chosen),
  rejected: sequence(promptLength, rejected),
});

it("rows longer than maxLength are left out and counted, unless they may be cut", () => {
  const rows = [pair(3, 5, 8), pair(3, 6, 6), pair(6, 7, 7), pair(7, 9, 9)];
  const kept = usableRows(rows, { maxLength: 6 });
  assert.deepEqual([kept.used, kept.dropped, kept.cut], [[rows[1]], { too_long: 3 }, 0]);
  const cut = usableRows(rows, { maxLength: 6, truncation: "keep_start" });
  assert.deepEqual(cut.used, [pair(3, 5, 6), rows[1]]);
  assert.deepEqual(
    [cut.dropped, cut.cut],
    [{ prompt_too_long: 2 }, 1],
    "a prompt that fills the row leaves no answer",
  );
});

it("a mask is cut with its ids, and a row whose mask selects no token is left out", () => {
  const masked = { ...sequence(1, 6), lossMask: [false, false, true, false, true, true] };
  assert.deepEqual(usableRows([masked], { maxLength: 3, truncation: "keep_start" }).used, [
    { ids: [1, 2, 3], promptLength: 1, lossMask: [false, false, true] },
  ]);
  const first = { ...sequence(1, 3), lossMask: [true, false, false] };
  assert.deepEqual(
    usableRows([masked, first], { maxLength: 9 }).dropped,
    { empty_answer: 1 },
    "the first token is never predicted",
  );
});

it("rows with different masks have different digests", () => {
  const row = sequence(1, 3);
  const digests = [
    row,
    { ...row, lossMask: [false, true, true] },
    { ...row, lossMask: [false, false, true] },
  ].map((of) => digestRows([of]));
  assert.equal(new Set(digests).size, 3);
});
