// How often a reward model's scores agree with labels, with a 95 % interval that resamples prompts.
import { resampledMean } from "../recipe/winrate.ts";
import type { Resampling } from "../recipe/winrate.ts";
import type { Agreement } from "../types.ts";
import type { Choice } from "./types.ts";

/** One label, with what the reward model says of the two answers. */
export interface Judged {
  promptId: string;
  choice: Choice;
  /** Scores of the two answers, or the preference model's probability and its complement. */
  first: number;
  second: number;
}

/** Equal scores count half: the reward model has no opinion. */
export function agreementOf(judged: readonly Judged[], resampling: Resampling): Agreement {
  const byPrompt = new Map<string, { agreed: number; count: number }>();
  let decided = 0;
  for (const { promptId, choice, first, second } of judged) {
    if (choice !== "first" && choice !== "second") continue;
    decided += 1;
    const [chosen, rejected] = choice === "first" ? [first, second] : [second, first];
    const entry = byPrompt.get(promptId) ?? { agreed: 0, count: 0 };
    entry.agreed += chosen > rejected ? 1 : chosen === rejected ? 0.5 : 0;
    entry.count += 1;
    byPrompt.set(promptId, entry);
  }
  const undecided = judged.length - decided;
  if (decided === 0) return { decided, undecided };
  const shares = [...byPrompt]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { agreed, count }]) => agreed / count);
  return { rate: resampledMean(shares, resampling), decided, undecided };
}
