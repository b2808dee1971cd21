// Combines several seeds of one recipe: the mean of each variant and of each paired difference, with a 95 %
// interval over seeds (Student's t). An interval over seeds covers the difference between seeds; the interval
// of one seed only covers its prompts.
import type { Difference, TableJson } from "../report/table.ts";

export interface StudyRun extends TableJson {
  seed: number;
  /** Share of new pairs that the reward model orders like the true reward. */
  rewardAccuracy: number;
}

export interface Mean {
  mean: number;
  low: number;
  high: number;
  /** In the order of the runs. */
  values: number[];
}

export interface StudySummary {
  seeds: number[];
  rewardAccuracy: Mean;
  variants: {
    name: string;
    learningRate: number | null;
    winRate: Mean;
    gold: Mean;
    kl: Mean;
    length: Mean;
  }[];
  /** Win rate of the last iteration minus the variant's, prompt by prompt in each seed. */
  vs: Record<string, Mean & { bySeed: Difference[] }>;
}

/** The 0.975 quantile of Student's t for 1, 2, … degrees of freedom. */
const T_975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

export function meanOf(values: number[]): Mean {
  const count = values.length;
  const quantile = T_975[count - 2];
  if (quantile === undefined)
    throw new RangeError(`an interval needs 2 to ${T_975.length + 1} seeds, not ${count}`);
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  const half = (quantile * deviation) / Math.sqrt(count);
  return { mean, low: mean - half, high: mean + half, values };
}

export function summarise(runs: StudyRun[]): StudySummary {
  const [first] = runs;
  if (!first) throw new RangeError("the study has no runs");
  const variant = (run: StudyRun, name: string) => run.rows.find((row) => row.name === name)!;
  return {
    seeds: runs.map(({ seed }) => seed),
    rewardAccuracy: meanOf(runs.map(({ rewardAccuracy }) => rewardAccuracy)),
    variants: first.rows.map(({ name, learningRate }) => ({
      name,
      learningRate,
      winRate: meanOf(runs.map((run) => variant(run, name).winRate!.value)),
      gold: meanOf(runs.map((run) => variant(run, name).gold!)),
      kl: meanOf(runs.map((run) => variant(run, name).kl)),
      length: meanOf(runs.map((run) => variant(run, name).length)),
    })),
    vs: Object.fromEntries(
      Object.keys(first.vs).map((name) => {
        const bySeed = runs.map((run) => run.vs[name]!);
        return [name, { ...meanOf(bySeed.map(({ diff }) => diff)), bySeed }];
      }),
    ),
  };
}

const number = (value: number): string => value.toFixed(2);
const spread = ({ mean, low, high }: Mean): string => `${number(mean)} [${number(low)}, ${number(high)}]`;

/** A Markdown table: one row per variant, one column per seed. */
export function formatSummary({ seeds, rewardAccuracy, variants, vs }: StudySummary): string {
  const row = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  const header = ["win rate against SFT", ...seeds.map((seed) => `seed ${seed}`)];
  const columns = [...header, "mean [95 %]", "gold", "KL", "words"];
  return [
    row(columns),
    row(columns.map(() => "---")),
    ...variants.map(({ name, winRate, gold, kl, length }) =>
      row([
        name,
        ...winRate.values.map(number),
        spread(winRate),
        number(gold.mean),
        kl.mean.toFixed(1),
        length.mean.toFixed(0),
      ]),
    ),
    ...Object.entries(vs).map(([name, difference]) =>
      row([
        `last − ${name}`,
        ...difference.bySeed.map(
          ({ diff, low, high }) => `${number(diff)} [${number(low)}, ${number(high)}]`,
        ),
        spread(difference),
        "",
        "",
        "",
      ]),
    ),
    row([
      "reward model agrees with gold",
      ...rewardAccuracy.values.map(number),
      spread(rewardAccuracy),
      "",
      "",
      "",
    ]),
  ].join("\n");
}
