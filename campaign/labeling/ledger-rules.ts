// What the ledger says of labels. Pure functions.
import type { LedgerEvent } from "../types.ts";

/** Labels that no seal lists which is made after the rows: `<questionnaire>/000012/0.1.json`. */
export function withdrawnLabels(rows: readonly { event: LedgerEvent }[]): Set<string> {
  const withdrawn = new Set<string>();
  for (const { event } of rows)
    if (event.type === "labels-withdrawn")
      for (const { questionnaire, names } of event.labels)
        for (const name of names) withdrawn.add(`${questionnaire}/${name}`);
  return withdrawn;
}

/** Operators' decisions about too few labels of a place: how far the deadline moved, and `--accept`. */
export function labelDecisions(
  rows: readonly { event: LedgerEvent }[],
  place: string,
): { extendedMs: number; accepted: boolean } {
  const decisions = { extendedMs: 0, accepted: false };
  for (const { event } of rows) {
    if (event.type !== "resumed" || event.labels?.place !== place) continue;
    if ("accept" in event.labels) decisions.accepted = true;
    else decisions.extendedMs += event.labels.extendMs;
  }
  return decisions;
}
