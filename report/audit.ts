// How often the proxy's scores agree with labels that nothing is trained on.
import type { Interval } from "../campaign/types.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Look } from "./columns.ts";
import { interval } from "./digits.ts";

export interface AuditRow {
  /** A policy or a place. */
  name: string;
  audit?: { rate?: Interval | undefined; decided: number; undecided: number } | undefined;
}

/**
 * Empty if no row has an audit. The answers are those of π_0, or of the policy that the iteration starts
 * from.
 */
export function formatAudit(rows: readonly AuditRow[], look: Look): string {
  const cells = rows.flatMap(({ name, audit }): Cell[][] =>
    audit
      ? [
          [name, interval(audit.rate), String(audit.decided), String(audit.undecided)].map((text) => ({
            text,
          })),
        ]
      : [],
  );
  if (cells.length === 0) return "";
  const columns = [
    { title: "labels of", align: "left" as const },
    { title: "proxy agrees [95 %]", align: "left" as const },
    { title: "decided", align: "right" as const },
    { title: "undecided", align: "right" as const },
  ];
  return `Audit, on labels that nothing is trained on:\n${formatColumns(columns, cells, look)}`;
}
