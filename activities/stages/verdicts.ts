// The rows of judge, and what its result says of them.
import type { GoldScore } from "../../campaign/spec/modules.ts";
import { sharesOf } from "../../campaign/recipe/winrate.ts";
import type { PromptShares } from "../../campaign/recipe/winrate.ts";
import type { JudgeResult } from "../../campaign/types.ts";
import type { Counts } from "../pieces.ts";

/** One row for each of our answers. */
export interface Verdict {
  promptId: string;
  index: number;
  /** The true reward, if it decides. */
  gold?: GoldScore;
  /** Theirs that it was compared with. `wins`: P(ours is better), a tie is ½. */
  against: { index: number; wins: number }[];
}

export function countsOf(rows: Verdict[]): Counts {
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

/** Share of comparisons won, by prompt. */
export async function winShares(pieces: AsyncIterable<Verdict[]>): Promise<PromptShares> {
  const comparisons: { promptId: string; probability: number }[] = [];
  for await (const rows of pieces)
    for (const { promptId, against } of rows)
      comparisons.push(...against.map(({ wins }) => ({ promptId, probability: wins })));
  return sharesOf(comparisons);
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
