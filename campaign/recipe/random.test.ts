import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Random } from "./random.ts";
import { completionSeed, deriveSeed, judgeSeed, resamplingSeed } from "./seeds.ts";
import { cutSplits, shuffleById } from "./splits.ts";

it("a seed gives the same numbers on every machine and in every version", () => {
  const random = new Random("ratchet");
  // From a C program of xoshiro128** with the same state: SHA-256 of "ratchet" as four little-endian words.
  assert.deepEqual(
    Array.from({ length: 4 }, () => random.uint32()),
    [2245575722, 4205815371, 2007375351, 3094875015],
  );
});

it("below is uniform, float in [0, 1)", () => {
  const random = new Random("uniform");
  const counts = Array.from({ length: 7 }, () => 0);
  for (let i = 0; i < 7000; i++) counts[random.below(7)]! += 1;
  // Standard deviation 29 around 1000.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, counts.join(" "));
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const value = new Random(seed).float();
      assert.ok(value >= 0 && value < 1);
    }),
  );
});

it("seeds are 16 hex digits and differ with every part", () => {
  const seed = completionSeed(42, "it-0001.1", "p", 0);
  assert.match(seed, /^[0-9a-f]{16}$/);
  for (const other of [
    completionSeed(43, "it-0001.1", "p", 0),
    completionSeed(42, "it-0001.2", "p", 0),
    completionSeed(42, "it-0001.1", "q", 0),
    completionSeed(42, "it-0001.1", "p", 1),
  ])
    assert.notEqual(other, seed);
  assert.notEqual(deriveSeed("a", "b:c"), deriveSeed("a:b", "c"));
});

it("the seeds of judges and of resampling differ with the campaign and with what they are for", () => {
  assert.equal(judgeSeed(42, "a", "b"), judgeSeed(42, "a", "b"));
  const seeds = [
    judgeSeed(42, "a", "b"),
    judgeSeed(43, "a", "b"),
    judgeSeed(42, "ab", ""),
    judgeSeed(42, "b", "a"),
    resamplingSeed(42, "a", "b"),
    resamplingSeed(43, "a", "b"),
    resamplingSeed(42, "a"),
  ];
  assert.equal(new Set(seeds).size, seeds.length);
});

it("the seed of a completion never changes between versions", () => {
  assert.equal(completionSeed(42, "it-0001.1", "p", 0), "a8e95143efb8ddf1");
});

const ids = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 30 });

it("a shuffle is a permutation that does not depend on the order of the file", () => {
  fc.assert(
    fc.property(ids, fc.string(), (names, seed) => {
      const rows = names.map((id) => ({ id }));
      const shuffled = shuffleById(rows, seed);
      assert.deepEqual(shuffled.map(({ id }) => id).sort(), [...names].sort());
      assert.deepEqual(shuffleById([...rows].reverse(), seed), shuffled);
    }),
  );
});

it("an added row does not change the order of the others", () => {
  fc.assert(
    fc.property(
      ids.filter((names) => names.length > 0),
      (names) => {
        const rows = names.map((id) => ({ id }));
        const without = shuffleById(rows.slice(1), "s");
        assert.deepEqual(
          shuffleById(rows, "s").filter(({ id }) => id !== names[0]),
          without,
        );
      },
    ),
  );
});

it("splits are consecutive", () => {
  assert.deepEqual(cutSplits([1, 2, 3, 4, 5], { test: 2, validation: 1, iterations: 2 }), {
    test: [1, 2],
    validation: [3],
    iterations: [4, 5],
  });
});
