// The rows of judge, and what its result says of them.
import type { GoldScore } from "../../campaign/spec/modules.ts";
import type { Verdict } from "../../campaign/recipe/length-control.ts";
import { mean } from "../../campaign/recipe/mean.ts";
import type { JudgeResult } from "../../campaign/types.ts";
import type { Counts } from "../pieces.ts";

/** One row for each of our answers. Lengths are in tokens. */
export interface VerdictRow {
  promptId: string;
  index: number;
  tokens: number;
  /** The true reward, if it decides. */
  gold?: GoldScore;
  /** Theirs that it was compared with. `wins`: P(ours is better), a tie is ½. */
  against: { index: number; tokens: number; wins: number }[];
}

export function countsOf(rows: VerdictRow[]): Counts {
  const counts: Counts = { answers: rows.length, comparisons: 0 };
  const add = (name: string, value: number) => (counts[name] = (counts[name] ?? 0) + value);
  for (const { against, gold } of rows) {
    add("comparisons", against.length);
    if (!gold) continue;
    add("gold", gold.total);
    for (const [part, value] of Object.entries(gold.parts ?? {})) add(`gold.${part}`, value);
  }
  return counts;
}

/** One for each of our answers: its share of wins, and the mean length of theirs that it met. */
export async function verdictsOf(pieces: AsyncIterable<VerdictRow[]>): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for await (const rows of pieces)
    for (const { promptId, tokens, against } of rows)
      if (against.length > 0)
        verdicts.push({
          promptId,
          probability: mean(against.map(({ wins }) => wins)),
          candidateTokens: tokens,
          incumbentTokens: mean(against.map((theirs) => theirs.tokens)),
        });
  return verdicts;
}

/** Means over our answers. */
export function trueRewards(counts: Counts): Pick<JudgeResult, "gold" | "goldParts"> {
  const { answers = 0, gold } = counts;
  if (gold === undefined) return {};
  const parts = Object.entries(counts).filter(([name]) => name.startsWith("gold."));
  return {
    gold: gold / answers,
    goldParts: Object.fromEntries(parts.map(([name, sum]) => [name.slice("gold.".length), sum / answers])),
  };
}
