// `ratchet history`: one line for each place of a campaign in the order in which the ledger decided them.
import type { Decision, Digest, EvaluateMetrics } from "../campaign/types.ts";
import { formatColumns, type Cell, type Column, type Look } from "./columns.ts";
import { ABSENT, fixed, interval } from "./digits.ts";

export interface HistoryRow {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  policy: Digest;
  /** `promoted`, `kept`; absent for baselines and before the decision. */
  decision?: Decision;
  pairs?: number;
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

const COLUMNS: Column[] = [
  { title: "place", align: "left" },
  { title: "policy", align: "left" },
  { title: "decision", align: "left" },
  { title: "pairs", align: "right" },
  { title: "margin", align: "right" },
  { title: "loss", align: "right" },
  { title: "win rate [95 %]", align: "left" },
  { title: "proxy", align: "right" },
  { title: "length", align: "right" },
  { title: "KL", align: "right" },
  { title: "finished", align: "left" },
];

export function formatHistory(rows: HistoryRow[], look: Look): string {
  return formatColumns(COLUMNS, rows.map(cells), look);
}

function cells({ place, policy, decision, pairs, margin, loss, validation, test, finishedAt }: HistoryRow): Cell[] {
  const shown = test ?? validation;
  return [
    { text: place },
    { text: policy.slice(0, 12) },
    { text: decision ?? ABSENT, ...(decision === "promoted" ? { tone: "good" as const } : {}) },
    { text: pairs === undefined ? ABSENT : String(pairs) },
    { text: fixed(margin, 2) },
    { text: fixed(loss, 3) },
    { text: interval(test?.winRate) },
    { text: fixed(shown?.proxy, 2) },
    { text: fixed(shown?.length, 1) },
    { text: fixed(shown?.kl, 2) },
    { text: finishedAt === undefined ? ABSENT : finishedAt.replace("T", " ").slice(0, 16) },
  ];
}
