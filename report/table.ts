// The table at the end of a campaign: every arm on the test split, what the last and the promoted iteration gain over the offline
// baselines, and gold part by part where a world has one. Made from metrics; who computes differences is the client.
import type { EvaluateMetrics, Interval } from "../campaign/types.ts";
import { formatColumns, paint } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT, difference, fixed, interval, judgeName, rate } from "./digits.ts";

type JudgedBy = NonNullable<EvaluateMetrics["judgedBy"]>;

/** One arm on the test split. */
export interface Arm {
  /** `sft`, a baseline's name, or `iteration-1` and so on. */
  name: string;
  metrics: EvaluateMetrics;
  /** null where nothing was trained. */
  learningRate: number | null;
  /** Pairs trained on and optimizer steps, of this training alone; null where nothing was trained on pairs. */
  pairs: number | null;
  steps: number | null;
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
  /** The arm that is promoted, and its own differences. */
  promoted?: { name: string; vs: Record<string, Difference> };
}

/** What `npm run demo -- --json` prints: these keys and no others. */
export interface TableJson {
  rows: {
    name: string;
    winRate: Interval | null;
    judgedBy: JudgedBy | null;
    gold: number | null;
    proxy: number | null;
    length: number;
    kl: number;
    learningRate: number | null;
    pairs: number | null;
    steps: number | null;
  }[];
  vs: Record<string, Difference>;
}

export function tableJson({ arms, vs }: CampaignTable): TableJson {
  return {
    rows: arms.map(
      ({ name, metrics: { winRate, judgedBy, gold, proxy, length, kl }, learningRate, pairs, steps }) => ({
        name,
        winRate: winRate ?? null,
        judgedBy: judgedBy ?? null,
        gold: gold ?? null,
        proxy: proxy ?? null,
        length,
        kl,
        learningRate,
        pairs,
        steps,
      }),
    ),
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

export function formatTable({ arms, vs, promoted }: CampaignTable, look: Look): string {
  const last = arms.at(-1);
  const parts = formatParts(arms, look);
  const versus = [
    ...formatVersus(last?.name, vs, look),
    ...(promoted && promoted.name !== last?.name ? formatVersus(promoted.name, promoted.vs, look) : []),
  ];
  const judged = last?.metrics.winRate
    ? `Test split, win rate against ${arms[0]?.name} by ${judgeName(last.metrics.judgedBy)}:\n`
    : "";
  return [
    judged +
      formatColumns(
        COLUMNS,
        arms.map((arm) => armCells(arm, arm === last)),
        look,
      ),
    ...(promoted ? [`Promoted on the validation split: ${promoted.name}`] : []),
    ...(versus.length > 0
      ? [["Win rate, paired by prompt:", ...versus.map((line) => `  ${line}`)].join("\n")]
      : []),
    ...(arms.some(({ name, pairs }) => name in vs && pairs !== null)
      ? [`Trained on:\n${formatTrained(arms, Object.keys(vs), look)}`]
      : []),
    ...(parts === "" ? [] : [`Gold by part:\n${parts}`]),
  ].join("\n\n");
}

function formatVersus(name: string | undefined, vs: Record<string, Difference>, look: Look): string[] {
  return Object.entries(vs).map(
    ([baseline, d]) =>
      `${name} − ${baseline}: ${paint(difference(d), d.low > 0 ? "good" : d.high < 0 ? "bad" : undefined, look)}`,
  );
}

/** Each baseline beside all iterations together: a control says something only where pairs and steps are as many. */
function formatTrained(arms: Arm[], baselines: string[], look: Look): string {
  const iterations = arms.filter(({ name }) => name.startsWith("iteration-"));
  const sum = (count: "pairs" | "steps"): number =>
    iterations.reduce((total, arm) => total + (arm[count] ?? 0), 0);
  const together = { name: `iterations 1 to ${iterations.length}`, pairs: sum("pairs"), steps: sum("steps") };
  const rows = [...arms.filter(({ name }) => baselines.includes(name)), together];
  const cells = rows.map(({ name, pairs, steps }): Cell[] => [
    { text: name },
    count(pairs, together.pairs),
    count(steps, together.steps),
  ]);
  return formatColumns(
    [
      { title: "policy", align: "left" },
      { title: "pairs", align: "right" },
      { title: "steps", align: "right" },
    ],
    cells,
    look,
  );
}

const count = (value: number | null, wanted: number): Cell => ({
  text: value === null ? ABSENT : String(value),
  ...(value === wanted ? {} : { tone: "bad" as const }),
});

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
