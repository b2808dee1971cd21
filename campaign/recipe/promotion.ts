// Promoted or kept? The judge's verdicts have to show that the candidate is better than the promoted policy.
// docs/promotion.md has the rule, and how often it is right with judges that like length or a position.
import type { Decision, Interval, PromotionEvidence } from "../types.ts";
import { lengthControlledWinRate } from "./length-control.ts";
import type { Verdict } from "./length-control.ts";
import { sharesOf, winRate } from "./winrate.ts";
import type { Resampling } from "./winrate.ts";

export interface PromotionRule {
  by: "length-controlled" | "raw";
  /** Win rate against the promoted policy. */
  threshold: number;
  /**
   * One-sided: the lower bound that holds with this confidence has to be above the threshold, so that an
   * equal policy is promoted in about 1 − confidence of all decisions. 0: the win rate itself has to reach
   * it.
   */
  confidence: number;
}

/** `promote` of a compiled spec, where an absent member means the rule of earlier versions. */
export const ruleOf = ({
  threshold,
  by = "raw",
  confidence = 0,
}: { threshold: number } & Partial<PromotionRule>): PromotionRule => ({ by, threshold, confidence });

export interface Promotion {
  /**
   * Shares of the comparisons that the candidate wins. The bounds hold with `confidence` each; if it is 0,
   * the intervals are two-sided 95 % intervals.
   */
  winRate: Interval;
  lengthControlled: Interval;
  evidence: PromotionEvidence;
  decision: Decision;
  /** A sentence for people. */
  reason: string;
}

export async function decidePromotion(
  verdicts: readonly Verdict[],
  rule: PromotionRule,
  resampling: Omit<Resampling, "level">,
): Promise<Promotion> {
  // Two bounds that hold with confidence c each are an interval of the level 2c − 1.
  const at = { ...resampling, level: rule.confidence === 0 ? undefined : 2 * rule.confidence - 1 };
  const rates = {
    winRate: winRate(sharesOf(verdicts), at),
    lengthControlled: await lengthControlledWinRate(verdicts, at),
  };
  const evidence = evidenceOf(rates, rule);
  return { ...rates, evidence, decision: decisionBy(evidence), reason: reasonOf(rates, rule, evidence) };
}

type Rates = Pick<Promotion, "winRate" | "lengthControlled">;

const deciding = ({ winRate, lengthControlled }: Rates, { by }: PromotionRule): Interval =>
  by === "raw" ? winRate : lengthControlled;

/**
 * Verdicts on equal answers can give ½ in every resample, up to rounding: an interval without width, which
 * must count as one that contains the threshold.
 */
const ROUNDING = 1e-9;

/** Where the interval is: above the threshold, around it, or below it. */
export function evidenceOf(rates: Rates, rule: PromotionRule): PromotionEvidence {
  const { value, low, high } = deciding(rates, rule);
  const { threshold, confidence } = rule;
  if (confidence === 0) return value >= threshold ? "better" : "worse";
  return low > threshold + ROUNDING ? "better" : high < threshold - ROUNDING ? "worse" : "undecided";
}

export const decisionBy = (evidence: PromotionEvidence): Decision =>
  evidence === "better" ? "promoted" : "kept";

/** `better: the raw win rate is 0.581, and at least 0.523 with confidence 0.96; the threshold is 0.5` */
function reasonOf(rates: Rates, rule: PromotionRule, evidence: PromotionEvidence): string {
  const { by, threshold, confidence } = rule;
  const { value, low, high } = deciding(rates, rule);
  const bounds = {
    better: `, and at least ${low.toFixed(3)} with confidence ${confidence}`,
    undecided: `, and between ${low.toFixed(3)} and ${high.toFixed(3)} with confidence ${confidence} each`,
    worse: `, and at most ${high.toFixed(3)} with confidence ${confidence}`,
  }[evidence];
  return (
    `${evidence}: the ${by} win rate is ${value.toFixed(3)}${confidence === 0 ? "" : bounds}; ` +
    `the threshold is ${threshold}`
  );
}
