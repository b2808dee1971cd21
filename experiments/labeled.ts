// The shop's simulated people answer a questionnaire, without a store.
import { chooseComparisons } from "../campaign/labeling/choose.ts";
import type { Asked } from "../campaign/labeling/choose.ts";
import type { LabeledComparison } from "../campaign/labeling/pairs.ts";
import type { PromptRow } from "../campaign/recipe/rows.ts";
import { deriveSeed } from "../campaign/recipe/seeds.ts";
import labelers from "../examples/shop/labelers.ts";
import type { Completion } from "../runtimes/types.ts";

/** Answers to one prompt, by the order of their indices. */
interface Group {
  prompt: PromptRow;
  candidates: Completion[];
}

/** The labelled comparisons, in the order in which they are asked. */
export async function labeled(groups: readonly Group[], asked: Asked): Promise<LabeledComparison[]> {
  const { chosen } = chooseComparisons(
    groups.map(({ prompt, candidates }) => ({ promptId: prompt.id, answers: candidates })),
    asked,
  );
  const byId = new Map(groups.map((group) => [group.prompt.id, group]));
  const rows = chosen.map(({ promptId, first, second }, n) => {
    const { prompt, candidates } = byId.get(promptId)!;
    const answer = (index: number): Completion => candidates.find((one) => one.index === index)!;
    const seed = deriveSeed("labeler", asked.seed, n, 0);
    return { prompt, first: answer(first), second: answer(second), seed };
  });
  const probabilities = await labelers(rows as never);
  return rows.map((row, i) => ({ ...row, balance: Math.sign(probabilities[i]! - 0.5), labels: 1 }));
}
