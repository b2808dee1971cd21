import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../random.ts";
import { Sampler } from "./sample.ts";

const logps = Float32Array.from([0.1, 0.4, 0.2, 0.25, 0.05], Math.log);

function drawn(rule: { temperature?: number; topK?: number; topP?: number }, count = 2000): number[] {
  const sampler = new Sampler(logps.length);
  const random = new Random("0123456789abcdef");
  const counts = Array.from(logps, () => 0);
  for (let step = 0; step < count; step++) counts[sampler.draw(logps, 0, { temperature: 1, topK: 0, topP: 1, ...rule }, random, step)]!++;
  return counts;
}

/** Pearson's statistic against probabilities proportional to `weights`. */
function chiSquare(counts: number[], weights: number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const norm = weights.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => {
    const expected = (total * weights[i]!) / norm;
    if (expected === 0) assert.equal(count, 0);
    return expected === 0 ? sum : sum + (count - expected) ** 2 / expected;
  }, 0);
}

// 99.9 % points of χ²: 4 degrees of freedom 18.5, 1 degree 10.8, 2 degrees 13.8. The draws are fixed by the seed.
test("temperature raises each probability to its inverse", () => {
  const probabilities = [0.1, 0.4, 0.2, 0.25, 0.05];
  for (const temperature of [0.5, 1, 1.7]) assert.ok(chiSquare(drawn({ temperature }), probabilities.map((p) => p ** (1 / temperature))) < 18.5, `temperature ${temperature}`);
});

test("temperature 0 takes the likeliest token", () => {
  assert.deepEqual(drawn({ temperature: 0 }, 10), [0, 10, 0, 0, 0]);
});

test("top-k keeps the k likeliest, top-p the fewest that reach p, and p is counted after k", () => {
  assert.ok(chiSquare(drawn({ topK: 2 }), [0, 0.4, 0, 0.25, 0]) < 10.8);
  assert.ok(chiSquare(drawn({ topP: 0.7 }), [0, 0.4, 0.2, 0.25, 0]) < 13.8);
  assert.ok(chiSquare(drawn({ topP: 0.65 }), [0, 0.4, 0, 0.25, 0]) < 10.8);
  // Of the two kept, 0.4/0.65 = 0.62 already reaches 0.6.
  assert.deepEqual(drawn({ topK: 2, topP: 0.6 }, 10), [0, 10, 0, 0, 0]);
  assert.deepEqual(drawn({ topP: 0 }, 10), [0, 10, 0, 0, 0]);
});
