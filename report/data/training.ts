// What the policies were trained on and how the losses went.
import { ABSENT, fixed } from "../digits.ts";
import type { ReportCurve, ReportPlace, ReportRecord } from "../record.ts";
import { left, right } from "./columns.ts";
import { ofIterations } from "./policies.ts";
import type { Policy } from "./policies.ts";
import type { Figure, LineChart, Point, Section, Series, Table } from "./types.ts";

export function lengthSection({ places }: ReportRecord, policies: readonly Policy[]): Section | undefined {
  const measured = ofIterations(policies);
  if (measured.length === 0) return undefined;
  const lengths = measured.map(({ iteration, metrics }) => ({ x: iteration, y: metrics.length }));
  return {
    id: "length",
    title: "Length of answers, margins of pairs",
    text: [],
    figures: [
      byIteration(
        "length-by-iteration",
        "Length of answers",
        "tokens per answer",
        lengths,
        "Mean of the test split.",
      ),
      ...pairFigures(pairsByIteration(places)),
    ],
    tables: [],
  };
}

function pairFigures(pairs: ReturnType<typeof pairsByIteration>): Figure[] {
  if (pairs.length === 0) return [];
  const lengths = pairs.map(({ iteration, pairing }) => ({ x: iteration, y: pairing.lengthDifference }));
  const margins = pairs.map(({ iteration, pairing: { margin } }) => ({
    x: iteration,
    y: margin.mean,
    low: margin.min,
    high: margin.max,
  }));
  return [
    byIteration(
      "pair-length",
      "Length difference in pairs",
      "tokens, chosen − rejected",
      lengths,
      "Above 0, training rewards length.",
      [{ name: "equal length", y: 0 }],
    ),
    byIteration(
      "margin",
      "Score margin of pairs",
      "score, chosen − rejected",
      margins,
      "The mean over the iteration's pairs; bars reach from the smallest to the largest margin.",
    ),
  ];
}

function pairsByIteration(
  places: readonly ReportPlace[],
): { iteration: number; pairing: NonNullable<ReportPlace["pairing"]> }[] {
  const newest = new Map(
    places.flatMap(({ place, pairing }): [number, NonNullable<ReportPlace["pairing"]>][] => {
      const iteration = Number(/^it-(\d+)\./.exec(place)?.[1] ?? 0);
      return pairing && iteration > 0 ? [[iteration, pairing]] : [];
    }),
  );
  return [...newest].map(([iteration, pairing]) => ({ iteration, pairing }));
}

function byIteration(
  id: string,
  title: string,
  y: string,
  points: Point[],
  caption: string,
  levels: LineChart["levels"] = [],
): Figure {
  const x = { title: "iteration", whole: true };
  const series = [{ name: y, marks: true, parts: [points] }];
  return { id, title, caption, chart: { kind: "lines", x, y: { title: y }, series, levels } };
}

/** Metric, title, axis. */
const CURVES = [
  ["loss", "Preference loss", "loss"],
  ["rewards/margins", "Implicit reward margin", "margin"],
  ["rewards/accuracies", "Pairs ranked right", "share of pairs"],
] as const;

/** Stage, title, caption. */
const OTHERS = [
  ["sft", "Loss of supervised fine-tuning", "The bootstrap."],
  ["reward", "Loss of the reward model", "The bootstrap."],
  ["refit", "Loss of the reward model, trained on", "Steps of all iterations, one after the other."],
] as const;

export function trainingSection({ curves, places }: ReportRecord): Section | undefined {
  if (curves.length === 0) return undefined;
  const preference = CURVES.map(([metric, title, axis]) =>
    curveFigure(
      metric,
      title,
      axis,
      trainSeries(curves, metric),
      "Steps of all iterations, one after the other.",
    ),
  );
  const others = OTHERS.map(([stage, title, caption]) =>
    curveFigure(
      stage,
      title,
      "loss",
      [{ name: "loss", marks: false, parts: chained(curves, stage, "loss") }],
      caption,
    ),
  );
  return {
    id: "training",
    title: "Training",
    text: ["Curves are means over runs of steps. A gap separates one iteration from the next."],
    figures: [...preference, ...others].filter(({ chart }) =>
      (chart as LineChart).series.some(({ parts }) => parts.some((part) => part.length > 1)),
    ),
    tables: [trainingTable(places)],
  };
}

const pointsOf =
  (metric: string, offset = 0) =>
  ({ points }: ReportCurve): Point[] =>
    points.flatMap(({ step, [metric]: y }) =>
      step === undefined || y === undefined ? [] : [{ x: offset + step, y }],
    );

/** Iterations follow one another. */
function chained(curves: readonly ReportCurve[], stage: ReportCurve["stage"], metric: string): Point[][] {
  let offset = 0;
  return curves
    .filter((curve) => curve.stage === stage && curve.place.startsWith("it-"))
    .map((curve) => {
      const part = pointsOf(metric, offset)(curve);
      offset += curve.points.at(-1)?.["step"] ?? 0;
      return part;
    });
}

/** A baseline begins at step 0. */
function trainSeries(curves: readonly ReportCurve[], metric: string): Series[] {
  const baselines = curves.filter(({ stage, place }) => stage === "train" && place.startsWith("base-"));
  return [
    { name: "iterations", marks: false, parts: chained(curves, "train", metric) },
    ...baselines.map((curve) => ({
      name: curve.place.replace(/^base-(.*)\.\d+$/, "$1"),
      marks: false,
      parts: [pointsOf(metric)(curve)],
    })),
  ].filter(({ parts }) => parts.length > 0);
}

const curveFigure = (id: string, title: string, y: string, series: Series[], caption: string): Figure => ({
  id: `curve-${id.replace("/", "-")}`,
  title,
  caption,
  chart: { kind: "lines", x: { title: "optimizer step" }, y: { title: y }, series, levels: [] },
});

const trainingTable = (places: readonly ReportPlace[]): Table => ({
  caption: "Trainings. The loss is that of the last step, the policy the digest of its checkpoint.",
  columns: [
    left("place"),
    ...["pairs", "groups", "dropped", "steps", "margin", "loss"].map(right),
    left("policy"),
    left("finished"),
  ],
  rows: places.map(({ place, pairs, pairing, steps, margin, loss, policy, finishedAt }) => ({
    cells: [
      place,
      String(pairs ?? ABSENT),
      String(pairing?.groups ?? ABSENT),
      pairing ? String(Object.values(pairing.dropped).reduce((sum, count) => sum + count, 0)) : ABSENT,
      String(steps ?? ABSENT),
      fixed(margin, 2),
      fixed(loss, 3),
      policy.slice(0, 12),
      finishedAt === undefined ? ABSENT : shownTime(finishedAt),
    ],
  })),
});

/** The space does not break. */
export const shownTime = (iso: string): string => iso.replace("T", "\u00a0").slice(0, 16);
