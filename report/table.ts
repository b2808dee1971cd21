// The table at the end of a campaign: every arm on the test split, what the last iteration gains over the offline baselines, and gold
// part by part where a world has one. Made from metrics; who computes differences is the client.
import type { EvaluateMetrics, Interval } from "../campaign/types.ts";
import { formatColumns, paint, type Cell, type Column, type Look } from "./columns.ts";
import { difference, fixed, interval, rate } from "./digits.ts";

/** One arm on the test split. */
export interface Arm {
  /** `sft`, a baseline's name, or `iteration-1` and so on. */
  name: string;
  metrics: EvaluateMetrics;
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
  /** In the order of the table; the last one is the last iteration. */
  arms: Arm[];
  /** By baseline name. */
  vs: Record<string, Difference>;
}

/** What `npm run demo -- --json` prints: these keys and no others. */
export interface TableJson {
  rows: { name: string; winRate: Interval | null; gold: number | null; proxy: number | null; length: number; kl: number; learningRate: number | null }[];
  vs: Record<string, Difference>;
}

export function tableJson({ arms, vs }: CampaignTable): TableJson {
  return {
    rows: arms.map(({ name, metrics: { winRate, gold, proxy, length, kl }, learningRate }) => ({
      name,
      winRate: winRate ?? null,
      gold: gold ?? null,
      proxy: proxy ?? null,
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

export function formatTable({ arms, vs }: CampaignTable, look: Look): string {
  const last = arms.at(-1)?.name;
  const parts = formatParts(arms, look);
  const versus = Object.entries(vs).map(
    ([baseline, d]) => `${last} − ${baseline}: ${paint(difference(d), d.low > 0 ? "good" : d.high < 0 ? "bad" : undefined, look)}`,
  );
  return [
    formatColumns(COLUMNS, arms.map((arm) => armCells(arm, arm.name === last)), look),
    ...(versus.length > 0 ? [["Win rate, paired by prompt:", ...versus.map((line) => `  ${line}`)].join("\n")] : []),
    ...(parts === "" ? [] : [`Gold by part:\n${parts}`]),
  ].join("\n\n");
}

function armCells({ name, metrics, learningRate }: Arm, isLast: boolean): Cell[] {
  const tone = isLast ? ({ tone: "bold" } as const) : {};
  const { winRate, gold, proxy, length, truncated, kl } = metrics;
  return [
    { text: name, ...tone },
    { text: interval(winRate), ...tone },
    { text: fixed(gold, 2) },
    { text: fixed(proxy, 2) },
    { text: fixed(length, 1) },
    { text: `${fixed(100 * truncated, truncated > 0 && truncated < 0.1 ? 1 : 0)} %` },
    { text: fixed(kl, 2) },
    { text: rate(learningRate) },
  ];
}

/** One column for each part; empty where no arm has any. */
export function formatParts(arms: Arm[], look: Look): string {
  const names = [...new Set(arms.flatMap(({ metrics }) => Object.keys(metrics.goldParts ?? {})))];
  if (names.length === 0) return "";
  const columns: Column[] = [{ title: "policy", align: "left" }, ...names.map((title): Column => ({ title, align: "right" }))];
  return formatColumns(columns, arms.map(({ name, metrics }) => [{ text: name }, ...names.map((part): Cell => ({ text: fixed(metrics.goldParts?.[part], 2) }))]), look);
}
