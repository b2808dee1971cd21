import assert from "node:assert/strict";
import { it } from "node:test";
import { Random } from "../random.ts";
import { Sampler } from "./sample.ts";
import type { SamplingRule } from "./sample.ts";

const probabilities = [0.1, 0.4, 0.2, 0.25, 0.05];
const logps = Float32Array.from(probabilities, Math.log);
const off: SamplingRule = { temperature: 1, topK: 0, topP: 1, minP: 0 };

function drawn(rule: Partial<SamplingRule>, count = 4000, from = logps): number[] {
  const sampler = new Sampler(from.length);
  const random = new Random("0123456789abcdef");
  const counts = Array.from(from, () => 0);
  for (let step = 0; step < count; step++)
    counts[sampler.draw(from, 0, { ...off, ...rule }, random, step)]!++;
  return counts;
}

// A second implementation of the rules, on normalised probabilities as in their papers and manuals. It is
// slow and simple.
type Filter = "temperature" | "topK" | "topP" | "minP";

const normalised = (weights: number[]): number[] => {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
};

const ranked = (p: number[]): number[] => p.map((_, id) => id).sort((a, b) => p[b]! - p[a]! || a - b);

const filters: Record<Filter, (p: number[], rule: SamplingRule) => number[]> = {
  temperature: (p, { temperature }) => p.map((x) => x ** (1 / temperature)),
  topK: (p, { topK }) => (topK === 0 ? p : p.map((x, id) => (ranked(p).indexOf(id) < topK ? x : 0))),
  topP: (p, { topP }) => {
    const order = ranked(p);
    const before = (id: number): number =>
      order.slice(0, order.indexOf(id)).reduce((sum, other) => sum + p[other]!, 0);
    return p.map((x, id) => (before(id) < topP ? x : 0));
  },
  minP: (p, { minP }) => p.map((x) => (x >= minP * Math.max(...p) ? x : 0)),
};

function exact(
  rule: SamplingRule,
  order: readonly Filter[] = ["temperature", "topK", "topP", "minP"],
  from = probabilities,
): number[] {
  return order.reduce((p, filter) => normalised(filters[filter](p, rule)), from);
}

/** Pearson's statistic; Infinity if an impossible token was drawn. */
function chiSquare(counts: number[], expected: number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.reduce((sum, count, i) => {
    const mean = total * expected[i]!;
    return sum + (mean === 0 ? (count === 0 ? 0 : Infinity) : (count - mean) ** 2 / mean);
  }, 0);
}

/** 99.9 % points of χ² for 0 to 4 degrees of freedom. The draws are fixed by the seed. */
const limits = [1e-9, 10.8, 13.8, 16.3, 18.5];
const limitOf = (expected: number[]): number => limits[expected.filter((p) => p > 0).length - 1]!;

const rules: Record<string, Partial<SamplingRule>> = {
  nothing: {},
  "a low temperature": { temperature: 0.5 },
  "a high temperature": { temperature: 1.7 },
  "top-k": { topK: 2 },
  "top-p that ends on a border": { topP: 0.65 },
  "top-p": { topP: 0.7 },
  "min-p": { minP: 0.3 },
  "min-p at a low temperature": { temperature: 0.5, minP: 0.2 },
  "top-k, then top-p of the rest": { topK: 3, topP: 0.75 },
  "all four": { temperature: 1.5, topK: 4, topP: 0.8, minP: 0.45 },
};

for (const [name, rule] of Object.entries(rules)) {
  it(`draws follow the exact distribution (χ², 99.9 %): ${name}`, () => {
    const expected = exact({ ...off, ...rule });
    const statistic = chiSquare(drawn(rule), expected);
    assert.ok(
      statistic < limitOf(expected),
      `χ² = ${statistic.toFixed(1)} for [${expected.map((p) => p.toFixed(3))}]`,
    );
  });
}

it("every wrong order of two neighbouring filters gives another distribution", () => {
  const wrong: { order: readonly Filter[]; rule: Partial<SamplingRule> }[] = [
    // The two likeliest tokens hold 0.65 of the mass at temperature 1, and less than 0.6 at a higher
    // temperature.
    { order: ["topP", "temperature", "topK", "minP"], rule: { temperature: 2, topP: 0.6 } },
    { order: ["minP", "temperature", "topK", "topP"], rule: { temperature: 2, minP: 0.6 } },
    // Two of the three tokens that top-k keeps hold 0.76 of their mass.
    { order: ["temperature", "topP", "topK", "minP"], rule: { topK: 3, topP: 0.75 } },
    // Two of the three tokens that min-p keeps hold 0.76 of their mass, and 0.65 of the whole mass.
    { order: ["temperature", "topK", "minP", "topP"], rule: { topP: 0.75, minP: 0.3 } },
  ];
  for (const { order, rule } of wrong) {
    const counts = drawn(rule);
    const [right, other] = [exact({ ...off, ...rule }), exact({ ...off, ...rule }, order)];
    assert.ok(chiSquare(counts, right) < limitOf(right), `${order}: the right order is refused`);
    assert.ok(chiSquare(counts, other) > limitOf(other), `${order}: the wrong order is accepted`);
  }
});

it("among equal tokens the lower ids are kept", () => {
  const even = Float32Array.from([0.2, 0.2, 0.2, 0.2, 0.2], Math.log);
  const kept = (rule: Partial<SamplingRule>): number[] =>
    drawn(rule, 500, even).map((count) => Math.sign(count));
  assert.deepEqual(kept({ topK: 2 }), [1, 1, 0, 0, 0]);
  assert.deepEqual(kept({ topP: 0.5 }), [1, 1, 1, 0, 0]);
  assert.deepEqual(kept({ minP: 1 }), [1, 1, 1, 1, 1]);
});

it("temperature 0, top-k 1 and a tiny top-p draw the likeliest token", () => {
  for (const rule of [{ temperature: 0 }, { topK: 1 }, { topP: 1e-9 }, { minP: 1 }])
    assert.deepEqual(drawn(rule, 10), [0, 10, 0, 0, 0]);
});

it("top-k and top-p keep the tokens that sorting the whole vocabulary keeps", () => {
  const random = new Random("00000000000000aa");
  const size = 300;
  const shapes: Record<string, (id: number) => number> = {
    flat: () => 0,
    mild: (id) => random.normal(id),
    peaked: (id) => 12 * random.normal(size + id),
    steep: (id) => -40 * id,
    tied: (id) => -Math.floor(id / 7),
  };
  for (const [name, logit] of Object.entries(shapes)) {
    const logits = Array.from({ length: size }, (_, id) => logit(id));
    const norm = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
    const logps = Float32Array.from(logits, (value) => value - norm);
    for (const rule of [
      { topK: 20, topP: 1 },
      { topK: 0, topP: 0.9 },
      { topK: 50, topP: 0.5 },
      { topK: 1, topP: 1 },
      { topK: 0, topP: 0.99999 },
    ]) {
      const kept = new Set(keptBySorting(logps, rule));
      const sampler = new Sampler(size);
      const drawn = new Set(
        Array.from({ length: 400 }, (_, step) =>
          sampler.draw(logps, 0, { temperature: 1, minP: 0, ...rule }, random, step),
        ),
      );
      for (const id of drawn) assert.ok(kept.has(id), `${name}, ${JSON.stringify(rule)}: drew ${id}`);
      // Draws at both ends of the kept mass give its first and its last token.
      const at = (uniform: number): number =>
        sampler.draw(
          logps,
          0,
          { temperature: 1, minP: 0, ...rule },
          { uniform: () => uniform } as unknown as Random,
          0,
        );
      assert.equal(at(0), Math.min(...kept), `${name}, ${JSON.stringify(rule)}`);
      assert.equal(at(1), Math.max(...kept), `${name}, ${JSON.stringify(rule)}`);
    }
  }
});

/** Ids in descending order of probability; among equal ones the lower first. */
function keptBySorting(logps: Float32Array, { topK, topP }: { topK: number; topP: number }): number[] {
  const largest = Math.max(...logps);
  const weights = Array.from(logps, (logp) => Math.exp(logp - largest));
  const order = weights
    .map((_, id) => id)
    .sort((a, b) => weights[b]! - weights[a]! || a - b)
    .slice(0, topK > 0 ? topK : logps.length);
  const mass =
    topK > 0 && topK < logps.length
      ? order.reduce((sum, id) => sum + weights[id]!, 0)
      : weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  return order.filter((id, rank) => {
    const within = rank === 0 || before < topP * mass;
    before += weights[id]!;
    return within;
  });
}
