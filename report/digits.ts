// Numbers in reports: only significant digits; a dash for absent values.
import type { EvaluateMetrics, Interval } from "../campaign/types.ts";

export const ABSENT = "–";

export const fixed = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? ABSENT : withoutMinusZero(value.toFixed(digits));

/** `0.87 [0.85, 0.89]` */
export const interval = (value: Interval | undefined): string =>
  value === undefined ? ABSENT : `${fixed(value.value, 2)} [${fixed(value.low, 2)}, ${fixed(value.high, 2)}]`;

/** Who decided a win rate. The reward that made the pairs is no independent judge of training on them. */
export const judgeName = (judgedBy: EvaluateMetrics["judgedBy"]): string =>
  judgedBy === undefined
    ? "nobody"
    : { gold: "gold", judge: "the judge", reward: "reward (not held out)" }[judgedBy];

/** Always with its sign: `+0.12 [+0.08, +0.15]`. */
export const difference = ({ diff, low, high }: { diff: number; low: number; high: number }): string =>
  `${signed(diff)} [${signed(low)}, ${signed(high)}]`;

export const signed = (value: number): string => (Number(value.toFixed(2)) >= 0 ? "+" : "") + fixed(value, 2);

/** 1e-4, 2.5e-5. */
export const rate = (value: number | null | undefined): string =>
  value === null || value === undefined ? ABSENT : Number(value.toPrecision(3)).toExponential();

const withoutMinusZero = (text: string): string => (Number(text) === 0 ? text.replace("-", "") : text);
