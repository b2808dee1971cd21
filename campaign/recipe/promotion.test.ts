import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULTS } from "../spec/defaults.ts";
import { decidePromotion, evidenceOf, ruleOf } from "./promotion.ts";
import type { PromotionRule } from "./promotion.ts";
import { JUDGES, POLICIES, simulatedVerdicts } from "./simulated-judges.test.support.ts";

const RULE: PromotionRule = DEFAULTS.promote;
const EARLIER = ruleOf({ threshold: 0.5 });
const resampling = { resamples: 400, seed: "s" };

const rates = (value: number, low: number, high: number) => ({
  winRate: { value: 0, low: 0, high: 0 },
  lengthControlled: { value, low, high },
});

it("the evidence is where the interval is: above the threshold, around it or below it", () => {
  const evidence = (low: number, high: number) => evidenceOf(rates(0.55, low, high), RULE);
  assert.deepEqual(
    [evidence(0.501, 0.6), evidence(0.5, 0.6), evidence(0.4, 0.5), evidence(0.4, 0.499)],
    ["better", "undecided", "undecided", "worse"],
  );
});

it("a judge that tells no difference decides nothing", async () => {
  for (const [first, second] of [
    [0.5, 0.5],
    [0.7, 1 - 0.7],
    [0.9, 1 - 0.9],
    [1, 0],
  ] as const) {
    const verdicts = Array.from({ length: 400 }, (_, i) => ({
      promptId: `p${i % 100}`,
      probability: i < 200 ? first : second,
      candidateTokens: 20,
      incumbentTokens: 20,
    }));
    for (const by of ["raw", "length-controlled"] as const)
      assert.equal(
        (await decidePromotion(verdicts, { ...RULE, by }, resampling)).evidence,
        "undecided",
        `${first} ${by}`,
      );
  }
});

it("with confidence 0 the win rate itself decides, and nothing is undecided", () => {
  const evidence = (value: number) => evidenceOf(rates(value, 0.1, 0.9), { ...RULE, confidence: 0 });
  assert.deepEqual([evidence(0.5), evidence(0.499)], ["better", "worse"]);
});

it("a compiled spec with a threshold alone has the rule of earlier versions", () => {
  assert.deepEqual(EARLIER, { by: "raw", threshold: 0.5, confidence: 0 });
});

it("the raw win rate decides if the spec says so", async () => {
  const verdicts = simulatedVerdicts(POLICIES["worse, longer"]!, { perToken: 0.3 }, "raw");
  const raw = await decidePromotion(verdicts, { ...RULE, by: "raw" }, resampling);
  const controlled = await decidePromotion(verdicts, RULE, resampling);
  assert.deepEqual([raw.winRate, raw.lengthControlled], [controlled.winRate, controlled.lengthControlled]);
  assert.deepEqual([raw.decision, controlled.decision], ["promoted", "kept"]);
});

it("the reason names evidence, win rate, bounds, confidence and threshold", async () => {
  const answers = (wins: number) =>
    Array.from({ length: 100 }, (_, i) => ({
      promptId: `p${i}`,
      probability: i < wins ? 1 : 0,
      candidateTokens: 20,
      incumbentTokens: 20,
    }));
  const reason = async (wins: number, rule = RULE) =>
    (await decidePromotion(answers(wins), rule, resampling)).reason;
  assert.match(
    await reason(70),
    /^better: the length-controlled win rate is 0\.700, and at least 0\.6\d+ with confidence 0\.96; the /,
  );
  assert.match(
    await reason(50),
    /^undecided: .* is 0\.500, and between 0\.4\d+ and 0\.5\d+ with confidence 0\.96 each; the /,
  );
  assert.match(await reason(30), /^worse: .* is 0\.300, and at most 0\.3\d+ with confidence 0\.96; /);
  assert.equal(await reason(50, EARLIER), "better: the raw win rate is 0.500; the threshold is 0.5");
});

/** Of 100 draws of 400 comparisons. */
async function promoted(policy: string, judge: string, rule: PromotionRule): Promise<number> {
  const draws = Array.from({ length: 100 }, async (_, draw) => {
    const seed = `${judge}/${policy}/${draw}`;
    const verdicts = simulatedVerdicts(POLICIES[policy]!, JUDGES[judge]!, seed);
    return (await decidePromotion(verdicts, rule, { resamples: 400, seed })).decision;
  });
  return (await Promise.all(draws)).filter((decision) => decision === "promoted").length;
}

// docs/promotion.md has the table of more draws, beside the rule of earlier versions.
for (const judge of Object.keys(JUDGES))
  describe(`of 100 policies, a judge that ${judge === "fair" ? "is fair" : judge} promotes`, () => {
    it("at least 80 that are better and shorter", async () => {
      assert.ok((await promoted("better, shorter", judge, RULE)) >= 80);
    });
    it("at most 5 that are equal", async () => {
      assert.ok((await promoted("equal", judge, RULE)) <= 5);
    });
    it("none that is worse and longer", async () => {
      assert.equal(await promoted("worse, longer", judge, RULE), 0);
    });
  });

it("the earlier rule promotes half of the equal policies, and follows a taste for length", async () => {
  const equal = await promoted("equal", "fair", EARLIER);
  assert.ok(equal >= 35 && equal <= 65, String(equal));
  assert.ok((await promoted("better, shorter", "likes length", EARLIER)) < 80);
  assert.ok((await promoted("worse, longer", "likes length", EARLIER)) > 10);
});
