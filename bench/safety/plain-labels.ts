// A questionnaire as plain calls: the same comparisons, order and seeds as the stage `label` with a module,
// and no store.
import { chooseComparisons } from "../../campaign/labeling/choose.ts";
import type { LabeledComparison } from "../../campaign/labeling/pairs.ts";
import type { PromptRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { LabelSettings } from "../../campaign/spec/compiled.ts";
import labelers from "../../examples/shop/labelers.ts";
import type { Completion } from "../../runtimes/types.ts";

interface Asked {
  prompt: PromptRow;
  first: Completion;
  second: Completion;
  /** One for each label. */
  seeds: string[];
  audit: boolean;
}

export interface Group {
  prompt: PromptRow;
  candidates: (Completion & { score?: number })[];
}

export function questionnaire(
  groups: readonly Group[],
  { comparisons, choose, audit, perComparison }: LabelSettings,
  dropTruncated: boolean,
  seed: string,
): Asked[] {
  const usable = groups.map(({ prompt, candidates }) => ({
    prompt,
    candidates: candidates.filter(({ finish }) => finish !== "length" || !dropTruncated),
  }));
  const { chosen } = chooseComparisons(
    usable.map(({ prompt, candidates }) => ({ promptId: prompt.id, answers: candidates })),
    { comparisons, choose, audit, seed },
  );
  const byId = new Map(usable.map((group) => [group.prompt.id, group]));
  return chosen.map((one, n) => {
    const { prompt, candidates } = byId.get(one.promptId)!;
    const answer = (index: number): Completion => candidates.find((row) => row.index === index)!;
    const seeds = Array.from({ length: perComparison }, (_, slot) => deriveSeed("labeler", seed, n, slot));
    return { prompt, first: answer(one.first), second: answer(one.second), seeds, audit: one.audit };
  });
}

/** The comparisons outside the audit part, labelled by the shop's simulated people. */
export async function labelsOf(asked: readonly Asked[]): Promise<LabeledComparison[]> {
  const labeled: LabeledComparison[] = [];
  for (const { seeds, audit, prompt, first, second } of asked) {
    const rows = seeds.map((seed) => ({ prompt, first: asAnswer(first), second: asAnswer(second), seed }));
    const votes = (await labelers(rows as never)).map((probability) => Math.sign(probability - 0.5));
    if (audit) continue;
    const balance = votes.reduce((sum, vote) => sum + vote, 0);
    labeled.push({ prompt, first, second, balance, labels: votes.length });
  }
  return labeled;
}

const asAnswer = ({ text }: Completion) => ({ text, finish: "eos" as const });
