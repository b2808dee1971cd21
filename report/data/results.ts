// The policies on the test split: win rates, the table of all metrics, and the gains over the baselines.
import { ABSENT, difference, fixed, interval, rate } from "../digits.ts";
import type { ReportRecord } from "../record.ts";
import { left, right } from "./columns.ts";
import { ofBaselines, ofIterations, shownName } from "./policies.ts";
import type { Policy } from "./policies.ts";
import type { Figure, Section, Series, Table } from "./types.ts";

export function resultsSection(record: ReportRecord, policies: readonly Policy[]): Section | undefined {
  if (policies.length === 0) return undefined;
  const prompts = policies[0]!.metrics.prompts;
  return {
    id: "results",
    title: "Policies on the test split",
    text: [
      `Every policy answers the same ${prompts} test prompts. No decision of the campaign uses them.` +
        (policies.some(({ metrics }) => metrics.winRate)
          ? ` A win rate is the share of comparisons with the reference answers, a second sample ` +
            `of π₀, that a ` +
            `policy wins by ${judges(policies)}. Intervals hold with 95 %, by resampling prompts.`
          : ""),
    ],
    figures: winRates(policies),
    tables: [policyTable(policies), ...versusTables(record), ...partsTables(policies)],
  };
}

export const judges = (policies: readonly Policy[]): string => {
  const by = policies.findLast(({ metrics }) => metrics.winRate)?.metrics.judgedBy ?? "judge";
  return { gold: "the true reward", judge: "the judge", reward: "the proxy, which is not held out" }[by];
};

function winRates(policies: readonly Policy[]): Figure[] {
  if (!policies.some(({ metrics }) => metrics.winRate)) return [];
  const series = (name: string, key: "winRate" | "lengthControlled"): Series => ({
    name,
    marks: true,
    parts: [
      ofIterations(policies).flatMap(({ iteration, metrics: { [key]: found } }) =>
        found ? [{ x: iteration, y: found.value, low: found.low, high: found.high }] : [],
      ),
    ],
  });
  const levels = ofBaselines(policies).flatMap(({ name, metrics: { lengthControlled } }) =>
    lengthControlled ? [{ name: `${name}, at equal length`, y: lengthControlled.value }] : [],
  );
  return [
    {
      id: "win-rate",
      title: "Win rate by iteration",
      caption: `Decided by ${judges(policies)}. Bars are 95 % intervals. Iteration 0 is π₀.`,
      chart: {
        kind: "lines",
        x: { title: "iteration", whole: true },
        y: { title: "win rate against π₀", include: [0.5] },
        series: [series("as the answers are", "winRate"), series("at equal length", "lengthControlled")],
        levels: [{ name: "as good as π₀", y: 0.5 }, ...levels],
      },
    },
  ];
}

function policyTable(policies: readonly Policy[]): Table {
  const known = (of: (policy: Policy) => unknown): boolean =>
    policies.some((policy) => (of(policy) ?? undefined) !== undefined);
  const columns: { title: string; show?: boolean; of: (policy: Policy) => string }[] = [
    { title: "win rate [95 %]", show: known(({ metrics }) => metrics.winRate), of: won("winRate") },
    {
      title: "at equal length",
      show: known(({ metrics }) => metrics.lengthControlled),
      of: won("lengthControlled"),
    },
    {
      title: "true reward",
      show: known(({ metrics }) => metrics.gold),
      of: ({ metrics }) => fixed(metrics.gold, 2),
    },
    {
      title: "proxy",
      show: known(({ metrics }) => metrics.proxy),
      of: ({ metrics }) => fixed(metrics.proxy, 2),
    },
    { title: "tokens", of: ({ metrics }) => fixed(metrics.length, 1) },
    { title: "cut off", of: ({ metrics }) => `${fixed(100 * metrics.truncated, 1)} %` },
    { title: "KL", of: ({ metrics }) => fixed(metrics.kl, 2) },
    { title: "labels", show: known(({ labels }) => labels), of: ({ labels }) => count(labels) },
    { title: "pairs", show: known(({ pairs }) => pairs), of: ({ pairs }) => count(pairs) },
    { title: "steps", show: known(({ steps }) => steps), of: ({ steps }) => count(steps) },
    { title: "learning rate", of: ({ learningRate }) => rate(learningRate) },
  ];
  const shown = columns.filter(({ show = true }) => show);
  return {
    caption:
      "All policies. KL is KL(π ‖ π₀) in nats per answer. Labels, pairs and steps are those of the " +
      "policy's own training. The marked row is promoted.",
    columns: [left("policy"), ...shown.map(({ title }) => right(title))],
    rows: policies.map((policy) => ({
      cells: [shownName(policy), ...shown.map(({ of }) => of(policy))],
      marked: policy.promoted,
    })),
  };
}

const won =
  (key: "winRate" | "lengthControlled") =>
  ({ metrics }: Policy): string =>
    interval(metrics[key]);

const count = (value: number | null | undefined): string =>
  value === null ? ABSENT : String(value ?? ABSENT);

function versusTables({ comparison: { arms, vs, promoted } }: ReportRecord): Table[] {
  const last = arms.at(-1)?.name;
  const rows = [
    ...versusRows(last, vs),
    ...(promoted && promoted.name !== last ? versusRows(promoted.name, promoted.vs) : []),
  ];
  if (rows.length === 0) return [];
  return [
    {
      caption: "Difference of win rates, paired by prompt, with 95 % intervals.",
      columns: [left("policy"), left("minus baseline"), right("difference")],
      rows,
    },
  ];
}

const versusRows = (name: string | undefined, vs: ReportRecord["comparison"]["vs"]): Table["rows"] =>
  Object.entries(vs).map(([baseline, found]) => ({
    cells: [(name ?? ABSENT).replace("iteration-", "iteration "), baseline, difference(found)],
  }));

function partsTables(policies: readonly Policy[]): Table[] {
  const names = [...new Set(policies.flatMap(({ metrics }) => Object.keys(metrics.goldParts ?? {})))];
  if (names.length === 0) return [];
  return [
    {
      caption: "The true reward by part.",
      columns: [left("policy"), ...names.map(right)],
      rows: policies.map((policy) => ({
        cells: [shownName(policy), ...names.map((part) => fixed(policy.metrics.goldParts?.[part], 2))],
        marked: policy.promoted,
      })),
    },
  ];
}
