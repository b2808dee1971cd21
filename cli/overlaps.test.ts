import assert from "node:assert/strict";
import { it } from "node:test";
import { overlapLine } from "./overlaps.ts";

it("shared prompts are counted by pair of sets, with the number of unchecked rows", () => {
  assert.equal(overlapLine({ overlaps: { "iterations/test": 0 } }), "overlaps: none among iterations, test");
  const line = overlapLine({ overlaps: { "test/sft": 0, "preferences/sft": 6 }, sftUnchecked: 40 });
  assert.equal(
    line,
    "overlaps: preferences/sft 6, no other among test, sft, preferences; " +
      "not checked: 40 SFT rows of plain text, because the end of their prompt is unknown",
  );
});
