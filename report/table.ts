// The table at the end of a campaign: every arm on the test split, what the last iteration gains over the offline baselines, and gold
// part by part where a world has one. Made from metrics; who computes differences is the client.
import type { EvaluateMetrics, Interval } from "../campaign/types.ts";
import { formatColumns, paint, type Cell, type Column, type Look } from "./columns.ts";
import { difference, fixed, interval, rate } from "./digits.ts";

/** One arm: `sft`, a baseline's name, or `iteration-1` and so on. */
export interface ArmRow {
  name: string;
  /** Absent where no opponent was sampled. */
  winRate?: Interval;
  gold?: number;
  goldParts?: Record<string, number>;
  proxy: number;
  /** Mean tokens per answer. */
  length: number;
  /** Share of answers that did not end. */
  truncated: number;
  /** nats per answer. */
  kl: number;
  /** null where nothing was trained. */
  learningRate: number | null;
}

/** Win rate of the last iteration minus that of a baseline, paired by prompt. */
export interface Difference {
  diff: number;
  low: number;
  high: number;
}

export interface CampaignTable {
  rows: ArmRow[];
  /** By baseline name. */
  vs: Record<string, Difference>;
}

export function armRow(name: string, metrics: EvaluateMetrics, learningRate: number | null): ArmRow {
  const { winRate, gold, goldParts, proxy, length, truncated, kl } = metrics;
  return {
    name,
    ...(winRate ? { winRate } : {}),
    ...(gold === undefined ? {} : { gold }),
    ...(goldParts ? { goldParts } : {}),
    proxy,
    length,
    truncated,
    kl,
    learningRate,
  };
}

/** What `npm run demo -- --json` prints: these keys and no others. */
export interface TableJson {
  rows: { name: string; winRate: Interval | null; gold: number | null; proxy: number; length: number; kl: number; learningRate: number | null }[];
  vs: Record<string, Difference>;
}

export function tableJson({ rows, vs }: CampaignTable): TableJson {
  return {
    rows: rows.map(({ name, winRate, gold, proxy, length, kl, learningRate }) => ({
      name,
      winRate: winRate ?? null,
      gold: gold ?? null,
      proxy,
      length,
      kl,
      learningRate,
    })),
    vs,
  };
}

const COLUMNS: Column[] = [
  { title: "policy", align: "left" },
  { title: "win rate [95 %]", align: "left" },
  { title: "gold", align: "right" },
  { title: "proxy", align: "right" },
  { title: "length", align: "right" },
  { title: "cut off", align: "right" },
  { title: "KL", align: "right" },
  { title: "lr", align: "right" },
];

export function formatTable({ rows, vs }: CampaignTable, look: Look): string {
  const last = rows.at(-1)?.name;
  const parts = formatParts(rows, look);
  const versus = Object.entries(vs).map(
    ([baseline, d]) => `${last} − ${baseline}: ${paint(difference(d), d.low > 0 ? "good" : d.high < 0 ? "bad" : undefined, look)}`,
  );
  return [
    formatColumns(COLUMNS, rows.map((row) => armCells(row, row.name === last)), look),
    ...(versus.length > 0 ? [["Win rate, paired by prompt:", ...versus.map((line) => `  ${line}`)].join("\n")] : []),
    ...(parts === "" ? [] : [`Gold by part:\n${parts}`]),
  ].join("\n\n");
}

function armCells(row: ArmRow, isLast: boolean): Cell[] {
  const tone = isLast ? ({ tone: "bold" } as const) : {};
  return [
    { text: row.name, ...tone },
    { text: interval(row.winRate), ...tone },
    { text: fixed(row.gold, 2) },
    { text: fixed(row.proxy, 2) },
    { text: fixed(row.length, 1) },
    { text: `${fixed(100 * row.truncated, row.truncated > 0 && row.truncated < 0.1 ? 1 : 0)} %` },
    { text: fixed(row.kl, 2) },
    { text: rate(row.learningRate) },
  ];
}

/** One column for each part, empty where no arm has any. */
export function formatParts(rows: ArmRow[], look: Look): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.goldParts ?? {})))];
  if (names.length === 0) return "";
  const columns: Column[] = [{ title: "policy", align: "left" }, ...names.map((title): Column => ({ title, align: "right" }))];
  return formatColumns(columns, rows.map((row) => [{ text: row.name }, ...names.map((name): Cell => ({ text: fixed(row.goldParts?.[name], 2) }))]), look);
}
