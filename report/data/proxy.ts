// The proxy against the truth: by iteration, by distance from π_0, and against labels that nothing is trained
// on. Gao et al. (arXiv 2210.10760) show over-optimization as a truth that falls while the proxy still rises.
import { fixed, interval } from "../digits.ts";
import { left, right } from "./columns.ts";
import { ofBaselines, ofIterations, shownName, truthOf } from "./policies.ts";
import type { Policy, Truth } from "./policies.ts";
import type { Figure, LineChart, Point, Section } from "./types.ts";

type Measure = (policy: Policy) => Omit<Point, "x"> | undefined;

const proxyMeasure: Measure = ({ metrics: { proxy } }) => (proxy === undefined ? undefined : { y: proxy });

const truthMeasure =
  ({ of }: Truth): Measure =>
  ({ metrics }) => {
    const found = of(metrics);
    return found && { y: found.value, low: found.interval?.low, high: found.interval?.high };
  };

export function proxySection(policies: readonly Policy[]): Section | undefined {
  const truth = truthOf(policies);
  if (!truth || !policies.some(({ metrics }) => metrics.proxy !== undefined)) return undefined;
  const measures: [string, string, Measure][] = [
    ["proxy", "proxy", proxyMeasure],
    ["truth", truth.name, truthMeasure(truth)],
  ];
  return {
    id: "proxy",
    title: "The proxy against the truth",
    text: [
      `Training uses the proxy only; the ${truth.name} is held out. The policies over-optimize ` +
        `the proxy if ` +
        `the ${truth.name} falls while the proxy still rises.`,
      overoptimized(policies, truth),
    ],
    figures: [
      ...measures.map(([id, name, measure]) => byIteration(id, name, measure, policies)),
      ...measures.map(([id, name, measure]) => byKl(id, name, measure, policies)),
    ],
    tables: [],
  };
}

const lines = (x: LineChart["x"], y: string, series: LineChart["series"]): LineChart => ({
  kind: "lines",
  x,
  y: { title: y },
  series,
  levels: [],
});

function byIteration(id: string, name: string, measure: Measure, policies: readonly Policy[]): Figure {
  const points = ofIterations(policies).flatMap((policy) => {
    const found = measure(policy);
    return found ? [{ ...found, x: policy.iteration }] : [];
  });
  return {
    id: `${id}-by-iteration`,
    title: `${capital(name)} by iteration`,
    caption: "Means over the answers to the test prompts.",
    chart: lines({ title: "iteration", whole: true }, name, [{ name, marks: true, parts: [points] }]),
  };
}

function byKl(id: string, name: string, measure: Measure, policies: readonly Policy[]): Figure {
  const point = (policy: Policy, label: string): Point[] => {
    const found = measure(policy);
    return found ? [{ ...found, x: policy.metrics.kl, label }] : [];
  };
  const baselines = ofBaselines(policies).map((policy) => ({
    name: policy.name,
    marks: true,
    parts: [point(policy, "")],
  }));
  const iterations = ofIterations(policies).flatMap((policy) => point(policy, String(policy.iteration)));
  return {
    id: `${id}-by-kl`,
    title: `${capital(name)} against KL`,
    caption: "Numbers are iterations, joined in their order. KL(π ‖ π₀) in nats per answer.",
    chart: lines({ title: "KL from π₀", include: [0] }, name, [
      { name: "iterations", marks: true, parts: [iterations] },
      ...baselines,
    ]),
  };
}

/** Compares the best iteration by the truth with the last one. */
export function overoptimized(policies: readonly Policy[], { name, of }: Truth): string {
  const measured = ofIterations(policies).flatMap((policy) => {
    const value = of(policy.metrics)?.value;
    return value === undefined ? [] : [{ policy, value }];
  });
  const last = measured.at(-1);
  const best = measured.reduce((a, b) => (b.value > a.value ? b : a), measured[0]!);
  if (!last || measured.length < 2) return "There is no second policy to compare with yet.";
  if (best === last) return `The ${name} is highest in the last iteration, ${fixed(last.value, 2)}.`;
  const [from, to] = [best.policy.metrics.proxy, last.policy.metrics.proxy];
  const proxy =
    from !== undefined && to !== undefined && to > from
      ? `, while the proxy rose from ${fixed(from, 2)} to ${fixed(to, 2)}`
      : "";
  return (
    `The ${name} is highest in ${shownName(best.policy)}, ${fixed(best.value, 2)}, and is ` +
    `${fixed(last.value, 2)} in ${shownName(last.policy)}${proxy}.`
  );
}

export function auditSection(policies: readonly Policy[]): Section | undefined {
  const audited = policies.filter(({ audit }) => audit);
  if (audited.length === 0) return undefined;
  return {
    id: "audit",
    title: "Audit of the proxy",
    text: ["The share of labels, of a part that nothing is trained on, that the proxy's scores agree with."],
    figures: auditFigures(audited),
    tables: [
      {
        caption: "Labels of the audit part.",
        columns: [left("labels of"), ...["agreement [95 %]", "decided", "undecided"].map(right)],
        rows: audited.map((policy) => ({
          cells: [
            shownName(policy),
            interval(policy.audit?.rate),
            String(policy.audit?.decided),
            String(policy.audit?.undecided),
          ],
        })),
      },
    ],
  };
}

function auditFigures(audited: readonly Policy[]): Figure[] {
  const points = ofIterations(audited).flatMap(({ iteration, audit }) =>
    audit?.rate ? [{ x: iteration, y: audit.rate.value, low: audit.rate.low, high: audit.rate.high }] : [],
  );
  const name = "agreement of the proxy with labels";
  const series = [{ name, marks: true, parts: [points] }];
  if (points.length === 0) return [];
  return [
    {
      id: "audit-by-iteration",
      title: "Audit of the proxy by iteration",
      caption: "Bars are 95 % intervals. The answers are those of the policy that the iteration begins with.",
      chart: {
        ...lines({ title: "iteration", whole: true }, name, series),
        levels: [{ name: "chance", y: 0.5 }],
      },
    },
  ];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
