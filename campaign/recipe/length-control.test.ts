import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { lengthControlledWinRate } from "./length-control.ts";
import type { Verdict } from "./length-control.ts";
import { JUDGES, simulatedVerdicts } from "./simulated-judges.test.support.ts";
import { sharesOf, winRate } from "./winrate.ts";

const resampling = { resamples: 200, seed: "s" };
const rate = async (verdicts: readonly Verdict[]): Promise<number> =>
  (await lengthControlledWinRate(verdicts, resampling)).value;
const verdict = (promptId: string, probability: number, candidateTokens: number, incumbentTokens = 20) => ({
  promptId,
  probability,
  candidateTokens,
  incumbentTokens,
});

const tokens = fc.integer({ min: 1, max: 2048 });
const anyVerdicts = fc.array(
  fc.record({
    promptId: fc.constantFrom("a", "b", "c", "d"),
    probability: fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    candidateTokens: tokens,
    incumbentTokens: tokens,
  }),
  { minLength: 1, maxLength: 40 },
);

it("answers of equal length have the raw win rate, but for the ridge", async () => {
  const verdicts = Array.from({ length: 400 }, (_, i) => verdict(`p${i % 100}`, i % 5 < 3 ? 1 : 0, 20));
  assert.equal(winRate(sharesOf(verdicts), resampling).value, 0.6);
  const value = await rate(verdicts);
  assert.ok(Math.abs(value - 0.6) < 2e-4, String(value));
});

it("a judge's taste for length moves the raw win rate and not the length-controlled one", async () => {
  const judge = JUDGES["likes length"]!;
  const longer = simulatedVerdicts({ trueRate: 0.5, longer: 4 }, judge, "taste", { prompts: 2000 });
  const raw = winRate(sharesOf(longer), resampling).value;
  assert.ok(raw > 0.57, String(raw));
  const value = await rate(longer);
  assert.ok(Math.abs(value - 0.5) < 0.02, String(value));
});

it("the rates of both sides sum to 1", async () => {
  await fc.assert(
    fc.asyncProperty(anyVerdicts, async (verdicts) => {
      const turned = verdicts.map(({ promptId, probability, candidateTokens, incumbentTokens }) =>
        verdict(promptId, 1 - probability, incumbentTokens, candidateTokens),
      );
      assert.ok(Math.abs((await rate(verdicts)) + (await rate(turned)) - 1) < 1e-6);
    }),
  );
});

it("any verdicts have a rate between 0 and 1 within an ordered interval", async () => {
  await fc.assert(
    fc.asyncProperty(anyVerdicts, async (verdicts) => {
      const { value, low, high } = await lengthControlledWinRate(verdicts, resampling);
      assert.ok(0 < value && value < 1 && 0 < low && low <= high && high < 1, `${low} ${value} ${high}`);
    }),
  );
});

it("separable verdicts have a finite rate", async () => {
  const won = Array.from({ length: 400 }, (_, i) => verdict(`p${i}`, 1, 20 + (i % 7)));
  const always = await rate(won);
  assert.ok(always > 0.99 && always < 1, String(always));
  // The longer answer always wins: length explains everything, and equal lengths would be equal.
  const byLength = Array.from({ length: 400 }, (_, i) => verdict(`p${i}`, i % 2, 20 + (i % 2 ? 6 : -6)));
  const equal = await rate(byLength);
  assert.ok(Math.abs(equal - 0.5) < 1e-6, String(equal));
});

it("the interval depends on the seed and the verdicts, not on their order", async () => {
  const verdicts = simulatedVerdicts({ trueRate: 0.58, longer: -3 }, {}, "order");
  const found = await lengthControlledWinRate(verdicts, resampling);
  assert.deepEqual(await lengthControlledWinRate([...verdicts].reverse(), resampling), found);
  assert.notDeepEqual(await lengthControlledWinRate(verdicts, { ...resampling, seed: "other" }), found);
});

it("a wider level has a wider interval around the same value", async () => {
  const verdicts = simulatedVerdicts({ trueRate: 0.58, longer: -3 }, {}, "level");
  const [narrow, usual] = await Promise.all(
    [0.8, 0.95].map((level) => lengthControlledWinRate(verdicts, { ...resampling, level })),
  );
  assert.equal(narrow!.value, usual!.value);
  assert.ok(usual!.low < narrow!.low && narrow!.high < usual!.high);
  assert.deepEqual(await lengthControlledWinRate(verdicts, resampling), usual);
});

it("without verdicts there is no rate", async () => {
  await assert.rejects(lengthControlledWinRate([], resampling), {
    kind: "invariant",
    code: "nothing_to_compare",
  });
});
