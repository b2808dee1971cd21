// Combines the seeds of a study: means of each policy and of the differences between policies, with a 95 %
// interval over seeds (Student's t). An interval over seeds covers the difference between seeds; the interval
// of one seed only covers its prompts.
import { mean as average } from "../../campaign/recipe/mean.ts";
import type { CampaignComparison, Variant } from "../../client/record/table.ts";
import type { Expected, StudyExpectation } from "../../report/against-study.ts";

export interface Mean {
  mean: number;
  low: number;
  high: number;
  /** In the order of the runs. */
  values: number[];
}

export interface SummaryRow {
  name: string;
  learningRate: number | null;
  labels: number | null;
  pairs: number | null;
  steps: number | null;
  winRate: Mean;
  lengthControlled?: Mean;
  /** Means over seeds of what the table shows for one seed. */
  gold?: number;
  parts: Record<string, number>;
  proxy: number;
  length: number;
  truncated: number;
  kl: number;
  /** How often the reward model agrees with labels of this policy's start that it never saw. */
  audit?: Mean;
}

export interface StudySummary {
  seeds: number[];
  rows: SummaryRow[];
  /** `last − offline` and `promoted − offline`, prompt by prompt in each seed. */
  differences: Record<string, Mean>;
  /** Names of the promoted policies, in the order of the seeds. */
  promoted: string[];
}

type Run = CampaignComparison & { seed: number };

/** The 0.975 quantile of Student's t for 1, 2, … degrees of freedom. */
const T_975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

export function meanOf(values: number[]): Mean {
  const count = values.length;
  const quantile = T_975[count - 2];
  if (quantile === undefined)
    throw new RangeError(`an interval needs 2 to ${T_975.length + 1} seeds, not ${count}`);
  const mean = average(values);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  const half = (quantile * deviation) / Math.sqrt(count);
  return { mean, low: mean - half, high: mean + half, values };
}

export function summarise(runs: Run[]): StudySummary {
  const [first] = runs;
  if (!first) throw new RangeError("the study has no runs");
  const baselines = Object.keys(first.vs);
  const difference = (of: (run: Run) => Run["vs"], name: string): Mean =>
    meanOf(runs.map((run) => of(run)[name]!.diff));
  return {
    seeds: runs.map(({ seed }) => seed),
    rows: first.arms.map(({ name }) => rowOf(runs.map((run) => armOf(run, name)))),
    differences: Object.fromEntries([
      ...baselines.map((name) => [`last − ${name}`, difference(({ vs }) => vs, name)]),
      ...baselines.flatMap((name) =>
        runs.every(({ promoted }) => promoted?.vs[name])
          ? [[`promoted − ${name}`, difference(({ promoted }) => promoted!.vs, name)]]
          : [],
      ),
    ]),
    promoted: runs.map(({ promoted }) => promoted?.name ?? "none"),
  };
}

function armOf({ arms, seed }: Run, name: string): Variant {
  const arm = arms.find((each) => each.name === name);
  if (!arm?.metrics.winRate) throw new RangeError(`seed ${seed} has no win rate of ${name}`);
  return arm;
}

function rowOf(arms: Variant[]): SummaryRow {
  const { name, learningRate, labels, pairs, steps, metrics } = arms[0]!;
  const all = <T>(of: (arm: Variant) => T | undefined): T[] | undefined => {
    const values = arms.flatMap((arm) => of(arm) ?? []);
    return values.length === arms.length ? values : undefined;
  };
  const mean = (of: (arm: Variant) => number): number => average(arms.map(of));
  const controlled = all(({ metrics: { lengthControlled } }) => lengthControlled?.value);
  const gold = all(({ metrics }) => metrics.gold);
  const audit = all((arm) => arm.audit?.rate?.value);
  return {
    name,
    learningRate,
    labels,
    pairs,
    steps,
    winRate: meanOf(arms.map((arm) => arm.metrics.winRate!.value)),
    lengthControlled: controlled && meanOf(controlled),
    gold: gold && average(gold),
    parts: Object.fromEntries(
      Object.keys(metrics.goldParts ?? {}).map((part) => [
        part,
        mean((arm) => arm.metrics.goldParts?.[part] ?? 0),
      ]),
    ),
    proxy: mean((arm) => arm.metrics.proxy ?? NaN),
    length: mean((arm) => arm.metrics.length),
    truncated: mean((arm) => arm.metrics.truncated),
    kl: mean((arm) => arm.metrics.kl),
    audit: audit && meanOf(audit),
  };
}

/** What a table of another seed or machine is held against. */
export function expectationOf(runs: (Run & { processor: string })[]): StudyExpectation {
  const { seeds, rows, differences } = summarise(runs);
  const expected = ({ mean, high, values: { length } }: Mean, least: number): Expected => {
    // The interval of the mean is t · deviation / √n.
    const half = (high - mean) * Math.sqrt(length + 1);
    return { mean, low: Math.max(least, mean - half), high: Math.min(1, mean + half) };
  };
  return {
    seeds,
    processors: [...new Set(runs.map(({ processor }) => processor))],
    winRates: Object.fromEntries(rows.map(({ name, winRate }) => [name, expected(winRate, 0)])),
    differences: Object.fromEntries(
      Object.entries(differences).map(([name, mean]) => [name, expected(mean, -1)]),
    ),
  };
}
