// Measurements of an evaluation: a row for each answer, counts for each piece, metrics for the split.
import type { GoldScore } from "../../campaign/spec/modules.ts";
import type { Verdict } from "../../campaign/recipe/length-control.ts";
import type { EvaluateMetrics } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import type { Counts } from "../pieces.ts";
import { countCompletions } from "./generate.ts";

/** One row of an evaluation: a completion and its measurements. */
export interface Evaluated extends Completion {
  /** By a preference model: mean P(this answer is better than a reference answer), on the test split only. */
  proxy?: number;
  /** Σ_t log π_0(a_t), nats. */
  initialLogp: number;
  /** The true reward. */
  gold?: GoldScore;
  /** Sum over the reference answers of P(this answer is better), ties ½; test split only. */
  wins?: number;
  /** Number of reference answers that it was compared with, and the sum of their tokens. */
  comparisons?: number;
  referenceTokens?: number;
}

export function countsOf(rows: Evaluated[]): Counts {
  const counts: Counts = { ...countCompletions(rows), kl: 0 };
  const add = (name: string, value: number) => (counts[name] = (counts[name] ?? 0) + value);
  for (const row of rows) {
    if (row.proxy !== undefined) add("proxy", row.proxy);
    add("kl", row.logps.reduce((sum, logp) => sum + logp, 0) - row.initialLogp);
    if (!row.gold) continue;
    add("gold", row.gold.total);
    for (const [part, value] of Object.entries(row.gold.parts ?? {})) add(`gold.${part}`, value);
  }
  return counts;
}

/** Means over answers, from the counts of all pieces. */
export function metricsOf(counts: Counts, prompts: number): EvaluateMetrics {
  const { completions = 0 } = counts;
  const mean = (name: string): number => (counts[name] ?? 0) / completions;
  const parts = Object.keys(counts).filter((name) => name.startsWith("gold."));
  return {
    prompts,
    completions,
    proxy: "proxy" in counts ? mean("proxy") : undefined,
    gold: "gold" in counts ? mean("gold") : undefined,
    goldParts:
      "gold" in counts
        ? Object.fromEntries(parts.map((name) => [name.slice("gold.".length), mean(name)]))
        : undefined,
    length: mean("tokens"),
    truncated: mean("truncated"),
    kl: mean("kl"),
  };
}

/** One for each answer that was compared: its share of wins, and the mean length of the reference answers. */
export async function verdictsOf(pieces: AsyncIterable<Evaluated[]>): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for await (const rows of pieces)
    for (const { promptId, ids, wins = 0, comparisons = 0, referenceTokens = 0 } of rows)
      if (comparisons > 0)
        verdicts.push({
          promptId,
          probability: wins / comparisons,
          candidateTokens: ids.length,
          incumbentTokens: referenceTokens / comparisons,
        });
  return verdicts;
}
