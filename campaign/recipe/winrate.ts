// Win rates with intervals. A prompt is the unit: its k × m comparisons make one share, and the bootstrap (Efron 1979; percentile
// interval, 95 %) draws prompts, since answers to one prompt are not independent. Two arms are compared over the same prompts.
import { RatchetError } from "../../errors/index.ts";
import type { Interval } from "../types.ts";
import { Random } from "./random.ts";

export interface Bootstrap {
  resamples: number;
  seed: string;
}

/** Share of wins by prompt id, each in [0, 1]. */
export type PromptShares = Map<string, number>;

/** Share of the k × m comparisons of two groups of scores that the first wins; a tie counts half. */
export function winShare(ours: number[], theirs: number[]): number {
  if (ours.length === 0 || theirs.length === 0)
    throw new RatchetError("nothing_to_compare", "a win share of no answers was asked for");
  let wins = 0;
  for (const a of ours) for (const b of theirs) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (ours.length * theirs.length);
}

/** Mean of a judge's probabilities by prompt; `probability` is that of the first (our) answer being better. */
export function sharesOf(comparisons: { promptId: string; probability: number }[]): PromptShares {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { promptId, probability } of comparisons) {
    const entry = sums.get(promptId) ?? { sum: 0, count: 0 };
    sums.set(promptId, { sum: entry.sum + probability, count: entry.count + 1 });
  }
  return new Map([...sums].map(([id, { sum, count }]) => [id, sum / count]));
}

/** Mean share over prompts with its interval. The order of the map does not matter. */
export function winRate(shares: PromptShares, bootstrap: Bootstrap): Interval {
  return bootstrapMean(
    [...shares].sort(byId).map(([, share]) => share),
    bootstrap,
  );
}

/** Mean over prompts of (first arm's share − second arm's); both must have answered the same prompts. */
export function pairedDifference(first: PromptShares, second: PromptShares, bootstrap: Bootstrap): Interval {
  const differences = [...first].sort(byId).map(([id, share]) => share - other(second, id));
  if (second.size !== first.size)
    throw new RatchetError(
      "prompts_differ",
      `arms of ${first.size} and ${second.size} prompts cannot be compared prompt by prompt`,
    );
  return bootstrapMean(differences, bootstrap);
}

function other(shares: PromptShares, id: string): number {
  const share = shares.get(id);
  if (share === undefined)
    throw new RatchetError("prompts_differ", `prompt ${id} was answered by one arm only`);
  return share;
}

/** Mean and percentile interval of the mean over resamples with replacement. */
export function bootstrapMean(values: number[], { resamples, seed }: Bootstrap): Interval {
  if (values.length === 0)
    throw new RatchetError("nothing_to_compare", "an interval over no prompts was asked for");
  const random = new Random(seed);
  const means = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)]!;
    return sum / values.length;
  }).sort();
  const value = values.reduce((sum, share) => sum + share, 0) / values.length;
  return { value, low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** Linear interpolation between order statistics (Hyndman and Fan's type 7). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low]!;
  return below + (at - low) * ((sorted[low + 1] ?? below) - below);
}

const byId = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : a > b ? 1 : 0);
