// Preference pairs from a labeler (the spec's rater module) that compares sampled answers.
import type { PairReport } from "../types.ts";
import { summary } from "./pairing.ts";
import type { Candidate } from "./pairing.ts";
import { Random } from "./random.ts";
import { answerContent, promptContent } from "./rows.ts";
import type { PairRow, PromptRow } from "./rows.ts";
import { deriveSeed } from "./seeds.ts";

type Answer = Omit<Candidate, "score">;

/** A question to the labeler: which of two answers to one prompt is better? */
interface Comparison {
  prompt: PromptRow;
  first: Answer;
  second: Answer;
  seed: string;
}

export interface AnsweredGroup {
  prompt: PromptRow;
  candidates: Answer[];
}

/**
 * Answer i against answer i + n/2, so that answers of two temperatures of equal count are compared. A seeded
 * coin decides which is first, because labelers favor a position. Identical answers are skipped, because
 * labels cost.
 */
export function comparisonsOf(
  groups: AnsweredGroup[],
  seed: string,
): { comparisons: Comparison[]; identical: number } {
  const comparisons: Comparison[] = [];
  let identical = 0;
  for (const { prompt, candidates } of groups) {
    const half = Math.floor(candidates.length / 2);
    for (let i = 0; i < half; i++) {
      const a = candidates[i]!;
      const b = candidates[i + half]!;
      const labelSeed = deriveSeed("label", seed, prompt.id, i);
      if (a.text === b.text) identical += 1;
      else if (new Random(labelSeed).below(2) === 0)
        comparisons.push({ prompt, first: a, second: b, seed: labelSeed });
      else comparisons.push({ prompt, first: b, second: a, seed: labelSeed });
    }
  }
  return { comparisons, identical };
}

/**
 * `probabilities[i]`: P(first is better) of comparison i. Above ½ the first is chosen; ½ is a tie and
 * dropped.
 */
export function pairsFromLabels(
  comparisons: Omit<Comparison, "seed">[],
  probabilities: number[],
  identical: number,
): { pairs: PairRow[]; report: PairReport } {
  const pairs: PairRow[] = [];
  let ties = 0;
  let lengthDifference = 0;
  comparisons.forEach(({ prompt, first, second }, i) => {
    const probability = probabilities[i]!;
    if (probability === 0.5) {
      ties += 1;
      return;
    }
    const [chosen, rejected] = probability > 0.5 ? [first, second] : [second, first];
    const content = promptContent(prompt);
    lengthDifference += chosen.ids.length - rejected.ids.length;
    pairs.push({
      prompt_id: prompt.id,
      prompt: content,
      chosen: answerContent(content, chosen.text),
      rejected: answerContent(content, rejected.text),
      chosen_ids: chosen.ids,
      rejected_ids: rejected.ids,
    });
  });
  const report = summary(
    pairs.map(() => 0),
    lengthDifference,
  );
  return {
    pairs,
    report: {
      ...report,
      groups: comparisons.length + identical,
      dropped: { tie: ties, identical },
      labels: comparisons.length,
    },
  };
}
