// Judges and policies whose true win rate is known, to measure how often a rule of promotion is right. One
// draw is a validation of 100 prompts with 4 comparisons each, asked as the judge stage asks: the candidate's
// answer comes first in every second comparison.
import type { Verdict } from "./length-control.ts";
import { Random } from "./random.ts";

export interface SimulatedPolicy {
  /** P(a fair judge prefers the candidate's answer) between answers of one length. */
  trueRate: number;
  /** Mean tokens of the candidate's answers minus the incumbent's. */
  longer: number;
}

export interface SimulatedJudge {
  /** Added to the logit of a preference for each token that an answer is longer. */
  perToken?: number;
  /** Added to the logit of a preference for the answer that comes first. */
  first?: number;
  /**
   * `choice`: 0 or 1. `tie`: also ½, if neither answer is clearly better. `probability`: a language model's,
   * whose logit is off by normal noise.
   */
  says?: "choice" | "tie" | "probability";
  /** Asks each comparison in both orders and takes the mean. */
  bothOrders?: boolean;
}

export const POLICIES: Record<string, SimulatedPolicy> = {
  "better, shorter": { trueRate: 0.58, longer: -3 },
  equal: { trueRate: 0.5, longer: 0 },
  "worse, longer": { trueRate: 0.42, longer: 3 },
};

/** 7 tokens more, one deviation of the length difference, win 67 of 100 comparisons with an equal answer. */
const PER_TOKEN = 0.1;
/** An equal answer wins 65 of 100 comparisons if it comes first. */
const FIRST = 0.62;

export const JUDGES: Record<string, SimulatedJudge> = {
  fair: {},
  "likes length": { perToken: PER_TOKEN },
  "likes position": { first: FIRST },
};

export interface SimulatedValidation {
  prompts?: number;
  perPrompt?: number;
  /**
   * Deviation of the logit of a preference between prompts: how much the answers to a prompt have in common.
   */
  promptEffect?: number;
}

/** Deviation of an answer's length, tokens; the mean is 24. The demo's answers are like that. */
const TOKENS = { mean: 24, deviation: 5 };
/** Logits below which a verdict is a tie: a quarter of the comparisons of equal answers. */
const TIE_WIDTH = 0.5;
/** Deviation of a language model's logit from its mean. */
const MODEL_NOISE = 1;

export function simulatedVerdicts(
  policy: SimulatedPolicy,
  judge: SimulatedJudge,
  seed: string,
  { prompts = 100, perPrompt = 4, promptEffect = 0 }: SimulatedValidation = {},
): Verdict[] {
  const random = new Random(seed);
  const quality = logit(policy.trueRate);
  return Array.from({ length: prompts }, (_, prompt) => {
    const ofPrompt = quality + promptEffect * normal(random);
    return Array.from({ length: perPrompt }, (_unused, index): Verdict => {
      const [candidateTokens, incumbentTokens] = [policy.longer, 0].map((more) =>
        Math.max(1, Math.round(TOKENS.mean + more + TOKENS.deviation * normal(random))),
      ) as [number, number];
      const preference = ofPrompt + (judge.perToken ?? 0) * (candidateTokens - incumbentTokens);
      return {
        promptId: `p${prompt}`,
        probability: verdict(preference, index % 2 === 0, judge, random),
        candidateTokens,
        incumbentTokens,
      };
    });
  }).flat();
}

/** P(the candidate's answer is better), as the judge says. */
function verdict(preference: number, isFirst: boolean, judge: SimulatedJudge, random: Random): number {
  const asked = (first: boolean): number =>
    answer(preference + (judge.first ?? 0) * (first ? 1 : -1), judge.says ?? "choice", random);
  return judge.bothOrders ? (asked(true) + asked(false)) / 2 : asked(isFirst);
}

function answer(logits: number, says: NonNullable<SimulatedJudge["says"]>, random: Random): number {
  if (says === "probability") return sigmoid(logits + MODEL_NOISE * normal(random));
  const noisy = logits + logit(random.float());
  if (says === "tie" && Math.abs(noisy) < TIE_WIDTH) return 0.5;
  return noisy > 0 ? 1 : 0;
}

const logit = (p: number): number => Math.log(p / (1 - p));
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Box and Muller's method. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.float())) * Math.cos(2 * Math.PI * random.float());
