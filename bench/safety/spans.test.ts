import assert from "node:assert/strict";
import { it } from "node:test";
import { beyond, covered } from "./spans.ts";
import type { Span } from "./spans.ts";

const span = (fromMs: number, toMs: number): Span => ({ work: "compute", name: "generate", fromMs, toMs });

it("counts overlapping work once, and only within the limits", () => {
  assert.equal(covered([span(5, 20), span(0, 10), span(30, 40)], 2, 35), 18 + 5);
  assert.equal(covered([], 0, 100), 0);
  assert.equal(covered([span(0, 100), span(10, 20)], 0, 100), 100);
});

it("counts the time that only one kind of work covers", () => {
  assert.equal(beyond([span(0, 10)], [span(5, 20)], 0, 100), 5);
  assert.equal(beyond([span(5, 10)], [span(0, 20)], 0, 100), 0);
});
