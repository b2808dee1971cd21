// What each variant was trained on.
import { formatColumns } from "./columns.ts";
import type { Cell, Column, Look } from "./columns.ts";
import { ABSENT } from "./digits.ts";

/** Null if it had none. */
interface Trained {
  name: string;
  labels: number | null;
  pairs: number | null;
  steps: number | null;
}

type Count = "labels" | "pairs" | "steps";

/**
 * Every training, and all iterations together. A baseline that had other numbers than these is no equal
 * control.
 */
export function formatTrained(arms: readonly Trained[], baselines: readonly string[], look: Look): string {
  const trained = arms.filter(({ pairs }) => pairs !== null);
  const iterations = trained.filter(({ name }) => name.startsWith("iteration-"));
  const together = {
    name: `iterations 1 to ${iterations.length}`,
    labels: sum(iterations, "labels"),
    pairs: sum(iterations, "pairs"),
    steps: sum(iterations, "steps"),
  };
  const counts: Count[] = [
    ...(trained.some(({ labels }) => labels !== null) ? (["labels"] as const) : []),
    "pairs",
    "steps",
  ];
  const rows = [...trained, ...(iterations.length > 1 ? [together] : [])];
  const tone = (row: (typeof rows)[number], count: Count): Cell["tone"] =>
    baselines.includes(row.name) && together[count] !== null && row[count] !== together[count]
      ? "bad"
      : undefined;
  const cells = rows.map((row): Cell[] => [
    { text: row.name },
    ...counts.map((count) => ({ text: String(row[count] ?? ABSENT), tone: tone(row, count) })),
  ]);
  const columns = counts.map((title): Column => ({ title, align: "right" }));
  return formatColumns([{ title: "policy", align: "left" }, ...columns], cells, look);
}

/** Null if none has the number. */
function sum(arms: readonly Trained[], count: Count): number | null {
  const values = arms.flatMap((variant) => variant[count] ?? []);
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}
