import assert from "node:assert/strict";
import { it } from "node:test";
import type { PairRow } from "../recipe/rows.ts";
import { withReplay } from "./replay.ts";

const pairs = (prefix: string, count: number): PairRow[] =>
  Array.from({ length: count }, (_, i) => ({
    prompt_id: `${prefix}${i}`,
    prompt: "q",
    chosen: "a",
    rejected: "b",
  }));
const ids = (rows: readonly PairRow[]) => rows.map(({ prompt_id }) => prompt_id);

it("draws old pairs without repeats, as many as the share asks, the same for the same seed", () => {
  const [labeled, old] = [pairs("new", 10), pairs("old", 40)];
  const drawn = ids(withReplay(labeled, old, 1.5, "s"));
  assert.deepEqual(drawn.slice(0, 10), ids(labeled));
  assert.equal(drawn.length, 25);
  assert.equal(new Set(drawn).size, 25);
  assert.deepEqual(ids(withReplay(labeled, old, 1.5, "s")), drawn);
  assert.notDeepEqual(ids(withReplay(labeled, old, 1.5, "t")), drawn);
});

it("takes all old pairs if there are fewer, and none without a share", () => {
  assert.equal(withReplay(pairs("new", 10), pairs("old", 3), 1, "s").length, 13);
  assert.equal(withReplay(pairs("new", 10), pairs("old", 3), 0, "s").length, 10);
});
