// One comparison's labels as a probability for the pair code: who trains sees one pair a comparison, however
// many people were asked.
import type { SealRow } from "./types.ts";

/**
 * P(first is better) by comparison: 1 or 0 if more labels choose the first or the second, else ½. Ties and
 * `both_bad` choose neither. Audit rows are left out, because nothing may be trained on them.
 */
export function majorities(rows: readonly SealRow[]): Map<number, number> {
  const balance = new Map<number, number>();
  for (const { comparison, choice, audit } of rows) {
    if (audit) continue;
    const vote = choice === "first" ? 1 : choice === "second" ? -1 : 0;
    balance.set(comparison, (balance.get(comparison) ?? 0) + vote);
  }
  return new Map([...balance].map(([comparison, votes]) => [comparison, (Math.sign(votes) + 1) / 2]));
}
