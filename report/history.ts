// `ratchet history`: every place of a campaign in the order in which the ledger decided them, first what its policy is worth, then what
// it was trained on. Both tables fit 80 columns.
import type { Decision, Digest, EvaluateMetrics } from "../campaign/types.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT, fixed, interval, judgeName } from "./digits.ts";

export interface HistoryRow {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  policy: Digest;
  /** Absent for baselines and before the decision. */
  decision?: Decision;
  /** Without a win rate nobody judged: the newest policy was promoted unseen. */
  promotion?: { winRate?: object };
  /** Trained on, and optimizer steps. */
  pairs?: number;
  steps?: number;
  /** Mean score gap of the pairs. */
  margin?: number;
  /** Last training loss. */
  loss?: number;
  /** On the validation split: what decisions were given. */
  validation?: EvaluateMetrics;
  /** On the test split: what is reported. */
  test?: EvaluateMetrics;
  finishedAt?: string;
}

const left = (title: string): Column => ({ title, align: "left" });
const right = (title: string): Column => ({ title, align: "right" });

const WORTH = [
  left("place"),
  left("decision"),
  left("win rate [95 %]"),
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
  const judged = rows.findLast(({ test }) => test?.winRate)?.test;
  return [
    (judged ? `Win rate by ${judgeName(judged.judgedBy)}:\n` : "") +
      formatColumns(WORTH, rows.map(worthCells), look),
    formatColumns(TRAINED, rows.map(trainedCells), look),
  ].join("\n\n");
}

function worthCells({ place, decision, promotion, validation, test }: HistoryRow): Cell[] {
  const shown = test ?? validation;
  const unseen = promotion && promotion.winRate === undefined;
  return [
    { text: place },
    {
      text: unseen ? "unjudged" : (decision ?? ABSENT),
      ...(decision === "promoted" && !unseen ? { tone: "good" as const } : {}),
    },
    { text: interval(test?.winRate) },
    { text: fixed(shown?.proxy, 2) },
    { text: fixed(shown?.length, 1) },
    { text: fixed(shown?.kl, 2) },
  ];
}

const trainedCells = ({ place, pairs, steps, margin, loss, policy, finishedAt }: HistoryRow): Cell[] => [
  { text: place },
  { text: pairs === undefined ? ABSENT : String(pairs) },
  { text: steps === undefined ? ABSENT : String(steps) },
  { text: fixed(margin, 2) },
  { text: fixed(loss, 3) },
  { text: policy.slice(0, 8) },
  { text: finishedAt === undefined ? ABSENT : finishedAt.replace("T", " ").slice(0, 16) },
];
