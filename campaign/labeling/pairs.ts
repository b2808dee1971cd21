// Preference pairs of labelled comparisons.
import { summary } from "../recipe/pairing.ts";
import { pairRow } from "../recipe/rows.ts";
import type { PairRow, PromptRow } from "../recipe/rows.ts";
import type { PairReport } from "../types.ts";
import type { Votes } from "./majority.ts";

interface Answer {
  text: string;
  ids: number[];
}

export interface LabeledComparison extends Votes {
  prompt: PromptRow;
  first: Answer;
  second: Answer;
}

/**
 * Reads the comparisons in order until it has `limit` pairs; 0 = all. A comparison whose labels choose
 * neither answer gives none.
 */
export function pairsFromLabels(
  comparisons: readonly LabeledComparison[],
  limit: number,
): { pairs: PairRow[]; report: PairReport } {
  const pairs: PairRow[] = [];
  const read = { comparisons: 0, labels: 0, ties: 0, lengthDifference: 0 };
  for (const { prompt, first, second, balance, labels } of comparisons) {
    if (limit > 0 && pairs.length === limit) break;
    read.comparisons += 1;
    read.labels += labels;
    if (balance === 0) {
      read.ties += 1;
      continue;
    }
    const [chosen, rejected] = balance > 0 ? [first, second] : [second, first];
    read.lengthDifference += chosen.ids.length - rejected.ids.length;
    pairs.push(pairRow(prompt, chosen, rejected));
  }
  const report = summary(
    pairs.map(() => 0),
    read.lengthDifference,
  );
  const dropped = { tie: read.ties, limit: comparisons.length - read.comparisons };
  return { pairs, report: { ...report, groups: comparisons.length, dropped, labels: read.labels } };
}
