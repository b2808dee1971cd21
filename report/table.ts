// The table at the end of a campaign: every policy on the test split, the gain of the last and the promoted
// iteration over the offline baselines, and the parts of the true reward if there is one. The client computes
// the differences.
import type { EvaluateMetrics, Interval } from "../campaign/types.ts";
import { visibleLine } from "../errors/index.ts";
import { formatTrained } from "./trained.ts";
import { formatAudit } from "./audit.ts";
import type { AuditRow } from "./audit.ts";
import { formatColumns, paint } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { difference, fixed, interval, judgeName, rate } from "./digits.ts";

type JudgedBy = NonNullable<EvaluateMetrics["judgedBy"]>;

/** One policy on the test split. */
interface Variant {
  /** `sft`, a baseline's name, or `iteration-1` and so on. */
  name: string;
  metrics: EvaluateMetrics;
  /** null if nothing was trained. */
  learningRate: number | null;
  /** Labels, pairs and optimizer steps of this training alone; null if it had none. */
  labels: number | null;
  pairs: number | null;
  steps: number | null;
  /** How often the scores agree with the audit labels of its own place. */
  audit?: AuditRow["audit"];
}

/** Win rate of the last iteration minus a baseline's, paired by prompt. */
export interface Difference {
  diff: number;
  low: number;
  high: number;
}

export interface CampaignTable {
  /** In the order of the table; the last iteration is last. */
  arms: Variant[];
  /** By baseline name. */
  vs: Record<string, Difference>;
  /** The promoted policy and its differences. */
  promoted?: { name: string; vs: Record<string, Difference> };
}

/** Output of `npm run demo -- --json`. */
export interface TableJson {
  rows: {
    name: string;
    winRate: Interval | null;
    lengthControlled: Interval | null;
    judgedBy: JudgedBy | null;
    gold: number | null;
    proxy: number | null;
    refittedProxy: number | null;
    length: number;
    kl: number;
    learningRate: number | null;
    labels: number | null;
    pairs: number | null;
    steps: number | null;
  }[];
  vs: Record<string, Difference>;
}

export function tableJson({ arms, vs }: CampaignTable): TableJson {
  return {
    rows: arms.map(({ name, metrics, learningRate, labels, pairs, steps }) => ({
      name,
      winRate: metrics.winRate ?? null,
      lengthControlled: metrics.lengthControlled ?? null,
      judgedBy: metrics.judgedBy ?? null,
      gold: metrics.gold ?? null,
      proxy: metrics.proxy ?? null,
      refittedProxy: metrics.refittedProxy ?? null,
      length: metrics.length,
      kl: metrics.kl,
      learningRate,
      labels,
      pairs,
      steps,
    })),
    vs,
  };
}

/** Measures that not every campaign has. */
interface Has {
  /** Something scored the answers. */
  proxy: boolean;
  /** The reward model was trained on; each row's is the one that its iteration made. */
  refitted: boolean;
}

const columnsOf = ({ proxy, refitted }: Has): Column[] => [
  { title: "policy", align: "left" },
  { title: "win rate [95 %]", align: "left" },
  { title: "length-controlled", align: "left" },
  { title: "gold", align: "right" },
  ...(proxy ? [{ title: "proxy", align: "right" } as const] : []),
  ...(refitted ? [{ title: "refitted", align: "right" } as const] : []),
  { title: "length", align: "right" },
  { title: "cut off", align: "right" },
  { title: "KL", align: "right" },
  { title: "lr", align: "right" },
];

export function formatTable({ arms, vs, promoted }: CampaignTable, look: Look): string {
  const last = arms.at(-1);
  const has = {
    proxy: arms.some(({ metrics }) => metrics.proxy !== undefined),
    refitted: arms.some(({ metrics }) => metrics.refittedProxy !== undefined),
  };
  const parts = formatParts(arms, look);
  const audit = formatAudit(arms, look);
  const versus = [
    ...formatVersus(last?.name, vs, look),
    ...(promoted && promoted.name !== last?.name ? formatVersus(promoted.name, promoted.vs, look) : []),
  ];
  const judged = last?.metrics.winRate
    ? `Test split, win rate against ${visibleLine(arms[0]?.name ?? "")} ` +
      `by ${judgeName(last.metrics.judgedBy)}:\n`
    : "";
  return [
    judged +
      formatColumns(
        columnsOf(has),
        arms.map((variant) => variantCells(variant, variant === last, has)),
        look,
      ),
    ...(promoted ? [`Promoted on the validation split: ${visibleLine(promoted.name)}`] : []),
    ...(versus.length > 0
      ? [["Win rate, paired by prompt:", ...versus.map((line) => `  ${line}`)].join("\n")]
      : []),
    ...(arms.some(({ pairs }) => pairs !== null)
      ? [`Trained on:\n${formatTrained(arms, Object.keys(vs), look)}`]
      : []),
    ...(audit === "" ? [] : [audit]),
    ...(parts === "" ? [] : [`Gold by part:\n${parts}`]),
  ].join("\n\n");
}

function formatVersus(name: string | undefined, vs: Record<string, Difference>, look: Look): string[] {
  return Object.entries(vs).map(([baseline, d]) => {
    const tone = d.low > 0 ? "good" : d.high < 0 ? "bad" : undefined;
    return `${visibleLine(`${name} − ${baseline}`)}: ${paint(difference(d), tone, look)}`;
  });
}

function variantCells({ name, metrics, learningRate }: Variant, isLast: boolean, has: Has): Cell[] {
  const tone = isLast ? "bold" : undefined;
  const { winRate, lengthControlled, gold, proxy, refittedProxy, length, truncated, kl } = metrics;
  return [
    { text: name, tone },
    { text: interval(winRate), tone },
    { text: interval(lengthControlled), tone },
    { text: fixed(gold, 2) },
    ...(has.proxy ? [{ text: fixed(proxy, 2) }] : []),
    ...(has.refitted ? [{ text: fixed(refittedProxy, 2) }] : []),
    { text: fixed(length, 1) },
    { text: `${fixed(100 * truncated, truncated > 0 && truncated < 0.1 ? 1 : 0)} %` },
    { text: fixed(kl, 2) },
    { text: rate(learningRate) },
  ];
}

/** One column for each part of the true reward; empty if no policy has any. */
function formatParts(arms: Variant[], look: Look): string {
  const names = [...new Set(arms.flatMap(({ metrics }) => Object.keys(metrics.goldParts ?? {})))];
  if (names.length === 0) return "";
  const columns: Column[] = [
    { title: "policy", align: "left" },
    ...names.map((title): Column => ({ title, align: "right" })),
  ];
  return formatColumns(
    columns,
    arms.map(({ name, metrics }) => [
      { text: name },
      ...names.map((part): Cell => ({ text: fixed(metrics.goldParts?.[part], 2) })),
    ]),
    look,
  );
}
