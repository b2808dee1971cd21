import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { Knockout, knockOut } from "./knockout.ts";

const argMax = (values: number[]): number => values.indexOf(Math.max(...values));
const argMin = (values: number[]): number => values.indexOf(Math.min(...values));
const alone = (values: number[], value: number): boolean =>
  values.filter((other) => other === value).length === 1;

/** A judge who knows each candidate's worth. */
const byWorth = (groups: number[][]) => {
  let asked = 0;
  const ask = async (comparisons: { group: number; first: number; second: number }[]): Promise<number[]> => {
    asked += comparisons.length;
    return comparisons.map(
      ({ group, first, second }) => 1 / (1 + Math.exp(groups[group]![second]! - groups[group]![first]!)),
    );
  };
  return { ask, asked: () => asked };
};

it("finds one best and one worst of any number of candidates", async () => {
  const group = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 17 });
  await fc.assert(
    fc.asyncProperty(fc.array(group, { maxLength: 4 }), async (groups) => {
      const standings = await knockOut(
        groups.map((worth) => worth.length),
        byWorth(groups).ask,
      );
      for (const [i, worth] of groups.entries()) {
        const of = standings[i]!;
        assert.equal(argMax(of), argMax(worth));
        assert.equal(argMin(of), argMin(worth));
        assert.ok(alone(of, Math.max(...of)) && alone(of, Math.min(...of)));
      }
    }),
  );
});

it("eight candidates need 4 + 2 + 1 comparisons for the best and 2 + 1 for the worst", () => {
  const worth = [3, 1, 4, 1.5, 5, 9, 2, 6];
  const knockout = new Knockout(8);
  const rounds: number[] = [];
  for (let round = knockout.round(); round.length > 0; round = knockout.round()) {
    rounds.push(round.length);
    knockout.settle(round.map(({ first, second }) => (worth[first]! > worth[second]! ? 0.9 : 0.2)));
  }
  assert.deepEqual(rounds, [4, 2, 1, 2, 1]);
  assert.deepEqual([argMax(knockout.standings()), argMin(knockout.standings())], [5, 1]);
});

it("inconsistent comparisons still give one best and another worst", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 12 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (size, answers) => {
        const [of] = await knockOut([size], async (comparisons) =>
          comparisons.map(() => answers.next().value as number),
        );
        const tied = size === 2 && of!.every((standing) => standing === 0);
        assert.ok(
          tied ||
            (alone(of!, Math.max(...of!)) &&
              alone(of!, Math.min(...of!)) &&
              Math.max(...of!) > Math.min(...of!)),
        );
      },
    ),
  );
});

it("two equal candidates have no best, one alone is not compared, and groups share rounds", async () => {
  const { ask, asked } = byWorth([[1, 1], [7], [], [2, 1]]);
  assert.deepEqual(await knockOut([2, 1, 0, 2], ask), [[0, 0], [0], [], [1, -1]]);
  assert.equal(asked(), 2);
});
