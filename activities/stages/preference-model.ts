// Scores by comparison: the paper's pairwise preference model. It gives no rewards, only which of two answers
// is better; a knockout finds the best and the worst of a group (campaign/recipe/knockout.ts).
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { knockOut } from "../../campaign/recipe/knockout.ts";
import { distinctTexts, firstIsBetter, preferencePrompt } from "../../campaign/recipe/preference-model.ts";
import type { LetterLogps, PreferenceQuestion } from "../../campaign/recipe/preference-model.ts";
import type { Digest } from "../../campaign/types.ts";
import type { ChoiceRow, Completion, Prompt } from "../../runtimes/types.ts";
import type { StageContext } from "../attempt/context.ts";
import { withModel } from "../models.ts";
import { refuseNotFinite, scorerDigest } from "./rewards.ts";

type ByPreference = Extract<CompiledSpec["score"], { by: "preference-model" }>;
type Question = PreferenceQuestion & { prompt: Prompt };

/** The spec's preference model; undefined if another kind of scorer gives rewards. */
export function preferenceModel({ spec }: StageContext): ByPreference | undefined {
  return spec.score.by === "preference-model" ? spec.score : undefined;
}

/** P(first is better) for each question, averaged over both orders of the answers. */
export async function preferencesOf(
  context: StageContext,
  trained: Digest | undefined,
  questions: Question[],
): Promise<number[]> {
  const model = preferenceModel(context);
  if (!model) throw new RatchetError("unreachable_state", "the spec names no preference model");
  const { format } = model;
  const row = (question: Question): ChoiceRow => ({
    prompt: { id: question.prompt.id, ...preferencePrompt(format, question) },
    choices: format.letters,
  });
  const swapped = ({ prompt, first, second }: Question): Question => ({
    prompt,
    first: second,
    second: first,
  });
  const rows = questions.flatMap((question) => [row(question), row(swapped(question))]);
  const digest = scorerDigest(context, trained);
  const logps = (await withModel(context, digest, (local) =>
    context.deps.scorer.choices(local, rows, context),
  )) as unknown as LetterLogps[];
  const preferences = questions.map((_, i) => firstIsBetter(logps[2 * i]!, logps[2 * i + 1]!));
  refuseNotFinite("preference model", digest, questions, preferences);
  return preferences;
}

/**
 * Ranks of the completions in their groups' knockouts, in place of scores: the best of a group is above all
 * others, the worst below. Equal texts share a rank. Answers that pairing will drop as truncated are not
 * compared; their rank is 0.
 */
export async function ranksOf(
  context: StageContext,
  trained: Digest | undefined,
  completions: readonly (Completion & { prompt: Prompt })[],
): Promise<number[]> {
  const compared = completions.filter(
    ({ finish }) => finish !== "length" || !context.spec.pair.dropTruncated,
  );
  const byPrompt = new Map<string, (Completion & { prompt: Prompt })[]>();
  for (const row of compared) byPrompt.set(row.promptId, [...(byPrompt.get(row.promptId) ?? []), row]);
  const groups = [...byPrompt.values()].map((rows) => ({
    rows,
    ...distinctTexts(rows.map(({ text }) => text)),
  }));
  const ranks = await knockOut(
    groups.map(({ texts }) => texts.length),
    (comparisons) =>
      preferencesOf(
        context,
        trained,
        comparisons.map(({ group, first, second }) => {
          const { rows, texts } = groups[group]!;
          return { prompt: rows[0]!.prompt, first: texts[first]!, second: texts[second]! };
        }),
      ),
  );
  const rankOf = new Map(
    groups.flatMap(({ rows, placeOf }, group) =>
      rows.map((row, i) => [row, ranks[group]![placeOf[i]!]!] as const),
    ),
  );
  return completions.map((row) => rankOf.get(row) ?? 0);
}
