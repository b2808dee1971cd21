// An invented record of a campaign for tests of its report: every section has something to show, and the
// proxy is over-optimized from iteration 3 on.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { EvaluateMetrics, Interval, LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import type { ReportPlace, ReportRecord } from "../../report/record.ts";

const digest = (text: string): string => Buffer.from(text).toString("hex").padEnd(64, "0").slice(0, 64);
const around = (value: number, half: number): Interval => ({ value, low: value - half, high: value + half });

const TRUTH = [1.5, 2.2, 2.6, 2.7, 2.4, 2.0];

function metricsOf(iteration: number): EvaluateMetrics {
  const won = Math.min(0.95, 0.5 + 0.25 * (TRUTH[iteration]! - 1.5));
  return {
    prompts: 300,
    completions: 1200,
    winRate: around(won, 0.02),
    lengthControlled: around(won - 0.04, 0.03),
    judgedBy: "gold",
    proxy: 0.4 * iteration - 0.2,
    gold: TRUTH[iteration]!,
    goldParts: { order: 0.8 * TRUTH[iteration]!, waste: -0.1 * iteration },
    length: 17 + 1.5 * iteration,
    truncated: 0.004 * iteration,
    kl: 4 * iteration,
  };
}

const ENVIRONMENT = {
  ratchet: "0.1.0",
  commit: digest("commit").slice(0, 40),
  dirty: false,
  lock: digest("lock"),
  node: "v20.20.2",
  onnxruntime: "1.30.0",
  host: "vm",
  cpu: "CPU (x64)",
  device: "cpu",
};

function placeOf(iteration: number): ReportPlace {
  const at = `2026-11-01T0${iteration}:10:00.000Z`;
  const won = around(0.6 - 0.05 * iteration, 0.05);
  const work = (busyMs: number, computed: number) => ({
    attempts: 1,
    computed,
    recomputed: 0,
    busyMs,
    recomputedMs: 0,
    startedAt: at,
    finishedAt: at,
  });
  return {
    place: `it-000${iteration}.1`,
    policy: digest(`policy ${iteration}`),
    weights: digest(`weights ${iteration}`),
    decision: iteration < 4 ? "promoted" : "kept",
    steps: 30,
    loss: 0.7 - 0.05 * iteration,
    test: metricsOf(iteration),
    finishedAt: at,
    work: {
      generate: work(90_000, 16),
      score: work(20_000, 16),
      train:
        iteration === 2
          ? { ...work(60_000, 20), attempts: 3, recomputed: 4, resumedFrom: 10, recomputedMs: 12_000 }
          : work(60_000, 30),
    },
    environments: [ENVIRONMENT],
    ...(iteration === 0
      ? {}
      : {
          promotion: {
            winRate: won,
            lengthControlled: won,
            evidence: iteration < 4 ? ("better" as const) : ("worse" as const),
            labels: 400,
            reason: `the length-controlled win rate is ${won.value.toFixed(3)}`,
          },
          pairs: 240,
          margin: 1 + 0.2 * iteration,
          pairing: {
            pairs: 240,
            groups: 256,
            dropped: { tie: 3, identical: 13 },
            margin: { mean: 1 + 0.2 * iteration, min: 0.1, max: 4 },
            lengthDifference: 0.5 * iteration,
          },
        }),
  };
}

function ledgerOf(): LedgerRow[] {
  const finished = TRUTH.slice(1).map((_, index): LedgerEvent => ({
    type: "iteration-finished",
    iteration: index + 1,
    take: 1,
    policy: digest(`policy ${index + 1}`),
    stages: {},
    decision: index < 3 ? "promoted" : "kept",
  }));
  const events: LedgerEvent[] = [
    { type: "created", specDigest: digest("spec"), name: "shop" },
    { type: "opened", server: "here", namespace: "default", runId: "r" },
    { type: "paused", by: "ada@lab", why: "the machine is needed" },
    { type: "resumed", by: "ben@lab", why: "it is free" },
    ...finished,
    { type: "completed", latest: digest("policy 5"), promoted: digest("policy 3") },
  ];
  return events.map((event, n) => ({
    schema: "ratchet.ledger/1",
    n,
    epoch: 1,
    id: `row-${n}`,
    event,
    previous: null,
    at: `2026-11-01T${String(n).padStart(2, "0")}:00:00.000Z`,
    by: n === 0 ? "ada@lab" : "workflow:1",
  }));
}

const curveOf = (iteration: number): ReportRecord["curves"][number] => ({
  place: `it-000${iteration}.1`,
  stage: "train",
  points: Array.from({ length: 30 }, (_, step) => ({
    step: step + 1,
    loss: 0.69 - 0.1 * Math.log1p(step + 1) + 0.02 * Math.sin(step * iteration),
    "rewards/margins": 0.1 * step,
    "rewards/accuracies": Math.min(1, 0.5 + 0.02 * step),
  })),
});

const baseline: ReportRecord["comparison"]["arms"][number] = {
  name: "offline",
  metrics: { ...metricsOf(1), kl: 6 },
  learningRate: 1e-4,
  labels: null,
  pairs: 1200,
  steps: 150,
};

/** `hostile`: a text for every place that anybody's text can reach. */
export function reportRecord(hostile?: string): ReportRecord {
  const iterations = TRUTH.map((_, iteration) => iteration);
  const text = hostile ?? "a large tea, please";
  const arms = iterations.map((iteration) => ({
    name: iteration === 0 ? "sft" : `iteration-${iteration}`,
    metrics: metricsOf(iteration),
    learningRate: 1e-4,
    labels: null,
    pairs: iteration === 0 ? null : 240,
    steps: iteration === 0 ? null : 30,
    audit:
      iteration === 0 ? undefined : { rate: around(0.8 - 0.03 * iteration, 0.06), decided: 40, undecided: 4 },
  }));
  const answer = { text, finish: "eos", score: 1.5 };
  return {
    campaign: {
      campaignId: "shop-1",
      name: text,
      specDigest: digest("spec"),
      status: "completed",
      epoch: 1,
      promoted: { iteration: 3, take: 1, policy: digest("policy 3"), answers: digest("answers") },
    },
    places: iterations.map(placeOf),
    ledger: ledgerOf().map((row) =>
      row.event.type === "paused" && hostile ? { ...row, event: { ...row.event, by: text, why: text } } : row,
    ),
    head: digest("head"),
    spec: {
      schema: "ratchet.spec/1",
      name: text,
      seed: 1,
      iterations: 5,
      baselines: [{ name: "offline", pairs: "preferences", learningRate: 1e-4 }],
      modules: { judge: { name: "judge" } },
      prompts: {
        iterations: { rows: digest("a"), count: 1280 },
        validation: { rows: digest("b"), count: 100 },
        test: { rows: digest("c"), count: 300 },
      },
    } as unknown as CompiledSpec,
    comparison: {
      arms: [arms[0]!, baseline, ...arms.slice(1)],
      vs: { offline: { diff: 0.05, low: 0.01, high: 0.09 } },
      promoted: { name: "iteration-3", vs: { offline: { diff: 0.12, low: 0.08, high: 0.16 } } },
    },
    curves: iterations.slice(1).map(curveOf),
    samples: {
      before: "it-0000.1",
      after: "it-0003.1",
      rows: [{ promptId: "p1", prompt: text, before: answer, after: { ...answer, finish: "length" } }],
    },
    withdrawals: [
      {
        by: "ada@lab",
        why: text,
        labeler: text,
        labels: 5,
        trained: [{ place: "it-0001.1", labels: 5, audit: 1, models: [digest("policy 1")] }],
        descended: [{ place: "it-0002.1", policy: digest("policy 2") }],
      },
    ],
    labels: [
      {
        place: "it-0001.1",
        openedAt: "2026-11-01T00:00:00.000Z",
        asking: "closed",
        comparisons: 40,
        slots: 80,
        states: { counted: 80 },
        withdrawnAfterSeal: 4,
        quality: {
          labels: 80,
          comparisons: 40,
          repeated: 40,
          alpha: 0.61,
          choices: { first: 38, second: 34, tie: 6, both_bad: 2 },
          labelers: [{ labeler: text, labels: 80, decided: 72, position: 0.53, longer: 0.58, seconds: 8.2 }],
        },
      },
    ],
  };
}
