// Which rows of a source are encoded: all, or of a huge source a sample. The same rows have the same sample.

/** About a minute of encoding. */
export interface SampleBudget {
  rows: number;
  characters: number;
}
const BUDGET: SampleBudget = { rows: 100_000, characters: 32 << 20 };
/** The longest rows are in every sample, because they are the ones that may not fit. */
const LONGEST = 100;

/** Ascending indexes: the first, the last, the longest and evenly spaced ones. */
export function sampleOf(lengths: readonly number[], budget = BUDGET): number[] {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const share = Math.min(1, budget.rows / lengths.length, budget.characters / total);
  if (lengths.length === 0 || share === 1) return [...lengths.keys()];
  const count = Math.max(2, Math.floor(share * lengths.length));
  const spaced = Array.from({ length: count }, (_, i) =>
    Math.round((i * (lengths.length - 1)) / (count - 1)),
  );
  const longest = [...lengths.keys()].sort((a, b) => lengths[b]! - lengths[a]! || a - b).slice(0, LONGEST);
  return [...new Set([...spaced, ...longest])].sort((a, b) => a - b);
}
