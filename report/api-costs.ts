// What API labelers were asked, and what it cost.
import type { ApiCost } from "../campaign/labeling/types.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Look } from "./columns.ts";
import { ABSENT } from "./digits.ts";

const COLUMNS = [
  ...["API labeler", "model", "host", "prompt"].map((title) => ({ title, align: "left" as const })),
  ...["comparisons", "requests", "tokens in", "out", "price"].map((title) => ({
    title,
    align: "right" as const,
  })),
];

/** Empty if none labels. */
export function formatApiCosts(costs: readonly ApiCost[], look: Look): string {
  return costs.length === 0 ? "" : formatColumns(COLUMNS, costs.map(row), look);
}

const row = ({
  labeler,
  model,
  host,
  prompt,
  comparisons,
  requests,
  input,
  output,
  price,
}: ApiCost): Cell[] =>
  [
    labeler,
    model,
    host,
    prompt.slice(0, 8),
    String(comparisons),
    String(requests),
    ...[input, output, price].map((value) => (value === undefined ? ABSENT : String(value))),
  ].map((text) => ({ text }));
