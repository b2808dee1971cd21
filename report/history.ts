// `ratchet history`: every place of a campaign, in the order of the ledger. One table for the metrics of its
// policy, one for its training data. Both fit 100 columns.
import type { Decision, Digest, EvaluateMetrics, PromotionEvidence } from "../campaign/types.ts";
import type { ApiCost } from "../campaign/labeling/types.ts";
import { formatApiCosts } from "./api-costs.ts";
import { formatAudit } from "./audit.ts";
import type { AuditRow } from "./audit.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT, fixed, interval, judgeName } from "./digits.ts";

interface HistoryRow {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  policy: Digest;
  /** Absent for baselines and before the decision. */
  decision?: Decision;
  /** A rollback has left it behind. */
  superseded?: true;
  /** Without a win rate, the policy was promoted unjudged. */
  promotion?: { winRate?: object; evidence?: PromotionEvidence };
  /** Pairs of the training, and its optimizer steps. */
  pairs?: number;
  steps?: number;
  /** Mean score gap of the pairs. */
  margin?: number;
  /** Last training loss. */
  loss?: number;
  /** Metrics on the validation split, which decisions use. */
  validation?: EvaluateMetrics;
  /** Metrics on the test split, for reports. */
  test?: EvaluateMetrics;
  /** How often the scores agree with the labels of the place's audit part. */
  audit?: AuditRow["audit"];
  api?: ApiCost[];
  finishedAt?: string;
}

const left = (title: string): Column => ({ title, align: "left" });
const right = (title: string): Column => ({ title, align: "right" });

const METRICS = [
  left("place"),
  left("decision"),
  left("win rate [95 %]"),
  left("length-controlled"),
  right("proxy"),
  right("length"),
  right("KL"),
];
const TRAINED = [
  left("place"),
  right("pairs"),
  right("steps"),
  right("margin"),
  right("loss"),
  left("policy"),
  left("finished"),
];

export function formatHistory(rows: HistoryRow[], look: Look): string {
  const audit = formatAudit(
    rows.map(({ place, audit: agreement }) => ({ name: place, audit: agreement })),
    look,
  );
  const costs = formatApiCosts(
    rows.flatMap(({ place, api = [] }) =>
      api.map((cost) => ({ ...cost, labeler: `${place} ${cost.labeler}` })),
    ),
    look,
  );
  const judged = rows.findLast(({ test }) => test?.winRate)?.test;
  return [
    (judged ? `Win rate by ${judgeName(judged.judgedBy)}:\n` : "") +
      formatColumns(METRICS, rows.map(metricCells), look),
    formatColumns(TRAINED, rows.map(trainedCells), look),
    ...(audit === "" ? [] : [audit]),
    ...(costs === "" ? [] : [costs]),
  ].join("\n\n");
}

function metricCells({ place, decision, superseded, promotion, validation, test }: HistoryRow): Cell[] {
  const shown = test ?? validation;
  const unjudged = promotion && promotion.winRate === undefined;
  return [
    { text: place },
    {
      text: superseded ? "superseded" : unjudged ? "unjudged" : decided(decision, promotion?.evidence),
      tone: decision === "promoted" && !unjudged && !superseded ? "good" : undefined,
    },
    { text: interval(test?.winRate) },
    { text: interval(test?.lengthControlled) },
    { text: fixed(shown?.proxy, 2) },
    { text: fixed(shown?.length, 1) },
    { text: fixed(shown?.kl, 2) },
  ];
}

/** `kept, undecided`: the judge's verdicts show no difference. */
const decided = (decision: Decision | undefined, evidence: PromotionEvidence | undefined): string =>
  decision === "kept" && evidence ? `${decision}, ${evidence}` : (decision ?? ABSENT);

const trainedCells = ({ place, pairs, steps, margin, loss, policy, finishedAt }: HistoryRow): Cell[] => [
  { text: place },
  { text: pairs === undefined ? ABSENT : String(pairs) },
  { text: steps === undefined ? ABSENT : String(steps) },
  { text: fixed(margin, 2) },
  { text: fixed(loss, 3) },
  { text: policy.slice(0, 8) },
  { text: finishedAt === undefined ? ABSENT : finishedAt.replace("T", " ").slice(0, 16) },
];
