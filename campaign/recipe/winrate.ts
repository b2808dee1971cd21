// Win rates with intervals. The k × m comparisons of one prompt give one share. The resampling (Efron's
// bootstrap, 1979; percentile interval) draws prompts, because answers to one prompt are not
// independent. Two variants are compared over the same prompts.
import { RatchetError } from "../../errors/index.ts";
import type { Interval } from "../types.ts";
import { mean } from "./mean.ts";
import { Random } from "./random.ts";

export interface Resampling {
  resamples: number;
  seed: string;
  /** Of the two-sided interval; 0.95 if absent. */
  level?: number;
}

/** Share of wins by prompt id, each in [0, 1]. */
export type PromptShares = Map<string, number>;

/** Share of the k × m comparisons that the first group of scores wins; a tie counts half. */
export function winShare(ours: number[], theirs: number[]): number {
  if (ours.length === 0 || theirs.length === 0)
    throw new RatchetError("nothing_to_compare", "a win share needs answers on both sides");
  let wins = 0;
  for (const a of ours) for (const b of theirs) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (ours.length * theirs.length);
}

/** Mean of a judge's probabilities by prompt. `probability`: P(our answer is better). */
export function sharesOf(comparisons: readonly { promptId: string; probability: number }[]): PromptShares {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { promptId, probability } of comparisons) {
    const entry = sums.get(promptId) ?? { sum: 0, count: 0 };
    sums.set(promptId, { sum: entry.sum + probability, count: entry.count + 1 });
  }
  return new Map([...sums].map(([id, { sum, count }]) => [id, sum / count]));
}

/** Mean share over prompts with its interval; independent of the map's order. */
export function winRate(shares: PromptShares, resampling: Resampling): Interval {
  return resampledMean(
    [...shares].sort(byId).map(([, share]) => share),
    resampling,
  );
}

/** Mean over prompts of (first variant's share − second variant's). Both must have the same prompts. */
export function pairedDifference(
  first: PromptShares,
  second: PromptShares,
  resampling: Resampling,
): Interval {
  const differences = [...first].sort(byId).map(([id, share]) => share - other(second, id));
  if (second.size !== first.size)
    throw new RatchetError(
      "prompts_differ",
      `variants with ${first.size} and ${second.size} prompts cannot be compared prompt by prompt`,
    );
  return resampledMean(differences, resampling);
}

function other(shares: PromptShares, id: string): number {
  const share = shares.get(id);
  if (share === undefined)
    throw new RatchetError("prompts_differ", `only one of the two variants answered prompt ${id}`);
  return share;
}

/** Mean and percentile interval of the mean over resamples with replacement. */
export function resampledMean(values: number[], { resamples, seed, level }: Resampling): Interval {
  if (values.length === 0)
    throw new RatchetError("nothing_to_compare", "an interval needs at least one prompt");
  const random = new Random(seed);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)]!;
    return sum / values.length;
  }).sort();
  return { value: mean(values), ...percentileInterval(means, level) };
}

/** Cuts off equal shares at both ends. `sorted`: the value of each resample, ascending. */
export function percentileInterval(sorted: Float64Array, level = 0.95): { low: number; high: number } {
  const outside = (1 - level) / 2;
  return { low: quantile(sorted, outside), high: quantile(sorted, 1 - outside) };
}

/** Linear interpolation between order statistics (Hyndman and Fan's type 7). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low]!;
  return below + (at - low) * ((sorted[low + 1] ?? below) - below);
}

const byId = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : a > b ? 1 : 0);
