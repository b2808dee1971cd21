// The labels of one comparison together: training sees one pair a comparison, however many people were asked.
import type { SealRow } from "./types.ts";

export interface Votes {
  /** Above 0 if more labels choose the first answer, below 0 if more choose the second. */
  balance: number;
  labels: number;
}

/**
 * By comparison. Ties and `both_bad` choose neither answer. Audit rows are left out, because nothing may be
 * trained on them.
 */
export function majorities(rows: readonly SealRow[]): Map<number, Votes> {
  const found = new Map<number, Votes>();
  for (const { comparison, choice, audit } of rows) {
    if (audit) continue;
    const { balance, labels } = found.get(comparison) ?? { balance: 0, labels: 0 };
    const vote = choice === "first" ? 1 : choice === "second" ? -1 : 0;
    found.set(comparison, { balance: balance + vote, labels: labels + 1 });
  }
  return found;
}
