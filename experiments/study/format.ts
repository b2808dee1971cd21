// A study as Markdown tables.
import type { Mean, StudySummary, SummaryRow } from "./summary.ts";

const number = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(2));
const spread = (mean: Mean | undefined): string =>
  mean ? `${number(mean.mean)} [${number(mean.low)}, ${number(mean.high)}]` : "";
const row = (cells: string[]): string => `| ${cells.join(" | ")} |`;
const markdown = (header: string[], rows: string[][]): string =>
  [row(header), row(header.map(() => "---")), ...rows.map(row)].join("\n");

/** Markdown: the means, each seed, and the parts of the true reward. */
export function formatSummary(summary: StudySummary): string {
  const parts = formatParts(summary.rows);
  return [formatMeans(summary.rows), formatSeeds(summary), ...(parts === "" ? [] : [parts])].join("\n\n");
}

const COLUMNS: Record<string, (row: SummaryRow) => string> = {
  policy: ({ name }) => name,
  "win rate": ({ winRate }) => spread(winRate),
  "length-controlled": ({ lengthControlled }) => spread(lengthControlled),
  gold: ({ gold }) => number(gold),
  proxy: ({ proxy }) => number(proxy),
  length: ({ length }) => length.toFixed(1),
  "cut off": ({ truncated }) => `${(100 * truncated).toFixed(1)} %`,
  KL: ({ kl }) => kl.toFixed(1),
  audit: ({ audit }) => spread(audit),
  labels: ({ labels }) => String(labels ?? ""),
  pairs: ({ pairs }) => String(pairs ?? ""),
  steps: ({ steps }) => String(steps ?? ""),
};

const formatMeans = (rows: SummaryRow[]): string =>
  markdown(
    Object.keys(COLUMNS),
    rows.map((each) => Object.values(COLUMNS).map((cell) => cell(each))),
  );

const formatSeeds = ({ seeds, rows, differences, promoted }: StudySummary): string =>
  markdown(
    ["win rate", ...seeds.map((seed) => `seed ${seed}`), "mean [95 %]"],
    [
      ...rows.map(({ name, winRate }) => [name, ...winRate.values.map(number), spread(winRate)]),
      ...Object.entries(differences).map(([name, mean]) => [name, ...mean.values.map(number), spread(mean)]),
      ["promoted", ...promoted.map((name) => name.replace("iteration-", "")), ""],
    ],
  );

function formatParts(rows: SummaryRow[]): string {
  const parts = Object.keys(rows[0]?.parts ?? {});
  if (parts.length === 0) return "";
  return markdown(
    ["true reward by part", ...parts],
    rows.map((each) => [each.name, ...parts.map((part) => number(each.parts[part]))]),
  );
}
