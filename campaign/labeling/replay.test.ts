import assert from "node:assert/strict";
import { it } from "node:test";
import { drawReplay } from "./replay.ts";

const OLD = Array.from({ length: 40 }, (_, i) => i);

it("draws without repeats, the same for the same seed", () => {
  const drawn = drawReplay(OLD, 15, "s");
  assert.equal(new Set(drawn).size, 15);
  assert.deepEqual(drawReplay(OLD, 15, "s"), drawn);
  assert.notDeepEqual(drawReplay(OLD, 15, "t"), drawn);
});

it("takes all if there are fewer", () => {
  assert.deepEqual(new Set(drawReplay([1, 2, 3], 10, "s")), new Set([1, 2, 3]));
  assert.deepEqual(drawReplay(OLD, 0, "s"), []);
});
