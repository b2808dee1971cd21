import assert from "node:assert/strict";
import { it } from "node:test";
import type { Sequence } from "../model/encode.ts";
import { groupsOf } from "./graph-inputs.ts";

const sequence = (promptLength: number, length: number): Sequence => ({
  ids: Array.from({ length }, (_, i) => i + 1),
  promptLength,
});
const pair = (promptLength: number, chosen: number, rejected: number) => ({
  chosen: sequence(promptLength, chosen),
  rejected: sequence(promptLength, rejected),
});

it("two answers to one prompt share it", () => {
  const shapes = (...row: Parameters<typeof pair>) =>
    groupsOf([pair(...row)]).map(({ prompt, answers }) => [
      prompt.length,
      ...answers.map(({ ids, result }) => `${ids.length} as ${result}`),
    ]);
  assert.deepEqual(shapes(12, 34, 30), [[12, "22 as 0", "18 as 1"]]);
  assert.deepEqual(shapes(200, 256, 240), [[200, "56 as 0", "40 as 1"]]);
  assert.deepEqual(shapes(16, 256, 240), [[16, "240 as 0", "224 as 1"]]);
});
