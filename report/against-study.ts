// A campaign's win rates beside a study of the same campaign over other seeds.
import { formatColumns } from "./columns.ts";
import type { Cell, Look } from "./columns.ts";
import { fixed, signed } from "./digits.ts";
import type { CampaignTable } from "./table.ts";

/** Where another seed's figure is expected, with 95 %: mean ± t · deviation · √(1 + 1/n). */
export interface Expected {
  mean: number;
  low: number;
  high: number;
}

export interface StudyExpectation {
  seeds: number[];
  /** Types of processor that it was measured on. */
  processors: string[];
  /** Win rates, by policy. */
  winRates: Record<string, Expected>;
  /** Differences of win rates: `last − offline` and `promoted − offline`. */
  differences: Record<string, Expected>;
}

/** A row for each figure that both have. */
export function formatAgainstStudy(table: CampaignTable, study: StudyExpectation, look: Look): string {
  const { seeds, processors } = study;
  const columns = [
    { title: "win rate", align: "left" as const },
    { title: "here", align: "right" as const },
    { title: "study", align: "right" as const },
    { title: "95 % of seeds", align: "left" as const },
    { title: "within", align: "left" as const },
  ];
  const title =
    `Beside a study of ${seeds.length} seeds (${Math.min(...seeds)} to ${Math.max(...seeds)}, ` +
    `${processors.join(", ")}), and where it expects 95 % of other seeds:`;
  return `${title}\n${formatColumns(columns, rowsOf(table, study), look)}`;
}

function rowsOf({ arms, vs, promoted }: CampaignTable, study: StudyExpectation): Cell[][] {
  const rates = arms.flatMap(({ name, metrics }) => {
    const expected = study.winRates[name];
    return metrics.winRate && expected ? [cells(name, metrics.winRate.value, expected, fixedTo2)] : [];
  });
  const measured = {
    ...Object.fromEntries(Object.entries(vs).map(([name, { diff }]) => [`last − ${name}`, diff])),
    ...Object.fromEntries(
      Object.entries(promoted?.vs ?? {}).map(([name, { diff }]) => [`promoted − ${name}`, diff]),
    ),
  };
  const differences = Object.entries(study.differences).flatMap(([name, expected]) => {
    const value = measured[name];
    return value === undefined ? [] : [cells(name, value, expected, signed)];
  });
  return [...rates, ...differences];
}

const fixedTo2 = (value: number): string => fixed(value, 2);

function cells(
  name: string,
  value: number,
  { mean, low, high }: Expected,
  digits: (value: number) => string,
): Cell[] {
  const within = low <= value && value <= high ? "yes" : "no";
  return [name, digits(value), digits(mean), `[${digits(low)}, ${digits(high)}]`, within].map((text) => ({
    text,
  }));
}
