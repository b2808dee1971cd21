// `ratchet diff` as text: first whether one policy is better, then the metrics, then the reasons.
import { showDifference } from "../campaign/spec/differences.ts";
import type { Difference } from "../campaign/spec/differences.ts";
import type { Finish } from "../campaign/spec/modules.ts";
import type { Decision, Interval, Split } from "../campaign/types.ts";
import { visibleLine } from "../errors/index.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT, difference, fixed } from "./digits.ts";
import { formatSamples } from "./samples.ts";

export interface ShownDiff {
  a: ShownSide;
  b: ShownSide;
  spec: Difference[];
  data: Difference[];
  environments: Difference[];
  metrics?: ShownMetrics | undefined;
  samples?: { rows: { prompt: string; before: ShownAnswer; after: ShownAnswer }[] } | undefined;
}

interface ShownSide {
  campaignId: string;
  place?: string | undefined;
  policy?: string | undefined;
  decision?: Decision | undefined;
}

interface ShownMetrics {
  split: Split;
  prompts: { a: number; b: number; both: number };
  metrics: ShownMetric[];
}

interface ShownMetric {
  name: string;
  a?: number | undefined;
  b?: number | undefined;
  difference?: Interval | undefined;
  unpaired?: string | undefined;
}

interface ShownAnswer {
  text: string;
  finish: Finish;
  score?: number;
}

/** In the words of the other tables. */
const NAMES: Record<string, string> = {
  winRate: "win rate",
  lengthControlled: "length-controlled",
  truncated: "cut off",
  kl: "KL",
};
const nameOf = ({ name }: ShownMetric): string => NAMES[name] ?? name;

/** The metrics that a verdict is about, the most independent of training first. */
const DECIDING = ["winRate", "gold", "proxy"];

export function formatDiff(diff: ShownDiff, look: Look & { columns: number }): string {
  const { a, b, spec, data, environments, metrics, samples } = diff;
  const names = { before: sideName(a), after: sideName(b) };
  return [
    formatColumns(SIDE_COLUMNS, [sideCells("a", a), sideCells("b", b)], look),
    ...(metrics
      ? [`${verdict(metrics)}\n${pairing(metrics)}`, formatMetrics(metrics, look)]
      : ["The two were not measured on the same split."]),
    [...changes("settings", spec), ...changes("data", data), ...changes("environments", environments)]
      .map(visibleLine)
      .join("\n"),
    ...(samples ? [samples.rows.length > 0 ? formatSamples(samples.rows, names, look) : NO_SAMPLES] : []),
  ].join("\n\n");
}

const NO_SAMPLES = "No answers side by side: no prompt was answered by both.";
const sideName = ({ campaignId, place = "" }: ShownSide): string => `${campaignId} ${place}`.trim();

const SIDE_COLUMNS = ["", "campaign", "place", "decision", "policy"].map((title): Column => ({
  title,
  align: "left",
}));

const sideCells = (name: string, { campaignId, place, decision, policy }: ShownSide): Cell[] =>
  [name, campaignId, place ?? "nothing has finished", decision ?? ABSENT, policy?.slice(0, 12) ?? ABSENT].map(
    (text) => ({ text }),
  );

function verdict({ metrics }: ShownMetrics): string {
  const deciding = DECIDING.flatMap((name) => metrics.filter((metric) => metric.name === name));
  const found = deciding.find((metric) => metric.difference);
  if (!found?.difference) {
    const [first] = deciding;
    return first ? `${nameOf(first)}: not compared, ${first.unpaired}` : "Nothing scored the answers.";
  }
  const { low, high } = found.difference;
  const which = low > 0 ? "b is higher" : high < 0 ? "b is lower" : "no clear difference";
  return `${nameOf(found)}: ${which}, ${shown(found.difference)}`;
}

function pairing({ split, prompts: { a, b, both } }: ShownMetrics): string {
  const counts = `a answered ${a}, b answered ${b}`;
  if (both === 0) return `The prompts differ (${split} split; ${counts}): no pairing is possible.`;
  if (both === a && both === b) return `Paired over the same ${both} prompts of the ${split} split.`;
  return `The prompts differ (${split} split; ${counts}): paired over the ${both} that both answered.`;
}

const shown = ({ value, low, high }: Interval): string => difference({ diff: value, low, high });

function formatMetrics({ metrics }: ShownMetrics, look: Look): string {
  const columns: Column[] = [
    { title: "metric", align: "left" },
    { title: "a", align: "right" },
    { title: "b", align: "right" },
    { title: "b − a [95 %]", align: "left" },
  ];
  const rows = metrics.map((metric): Cell[] => {
    const { a, b, difference: found, unpaired = "" } = metric;
    const clear = found !== undefined && (found.low > 0 || found.high < 0);
    return [
      { text: nameOf(metric) },
      { text: fixed(a, 2) },
      { text: fixed(b, 2) },
      found
        ? { text: shown(found), tone: clear ? "bold" : undefined }
        : { text: unpaired === "" ? ABSENT : `not compared: ${unpaired}`, tone: "dim" },
    ];
  });
  return formatColumns(columns, rows, look);
}

function changes(what: string, found: readonly Difference[]): string[] {
  if (found.length === 0) return [`${what}: the same`];
  return [`${what}: ${found.length} differ`, ...found.map((one) => `  ${showDifference(one)}`)];
}
