// Scoring by comparison: the paper's pairwise preference model as an activity uses it. It knows no rewards, only which of two answers is
// better; best and worst of a group come from a knockout (campaign/recipe/knockout.ts).
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { knockOut } from "../../campaign/recipe/knockout.ts";
import { distinctTexts, firstIsBetter, preferencePrompt } from "../../campaign/recipe/preference-model.ts";
import type { LetterLogps, PreferenceQuestion } from "../../campaign/recipe/preference-model.ts";
import type { Digest } from "../../campaign/types.ts";
import type { ChoiceRow, Completion, Prompt } from "../../runtimes/types.ts";
import type { StageContext } from "../attempt/context.ts";
import { refuseNotFinite, scorerDigest, withModel } from "../models.ts";

type ByPreference = Extract<CompiledSpec["score"], { by: "preference-model" }>;

/** How the spec's preference model is asked; undefined where a scorer of another kind gives rewards. */
export function preferenceModel({ spec }: StageContext): ByPreference | undefined {
  return spec.score.by === "preference-model" ? spec.score : undefined;
}

/** Of each question, the probability that the first answer is better; both orders of the answers are asked. */
export async function preferencesOf(
  context: StageContext,
  trained: Digest | undefined,
  questions: (PreferenceQuestion & { prompt: Prompt })[],
): Promise<number[]> {
  const asked = preferenceModel(context);
  if (!asked) throw new RatchetError("unreachable_state", "the spec names no preference model");
  const row = (question: PreferenceQuestion & { prompt: Prompt }): ChoiceRow => ({
    prompt: { id: question.prompt.id, ...preferencePrompt(asked.format, question) },
    choices: asked.format.letters,
  });
  const swapped = ({ prompt, first, second }: PreferenceQuestion & { prompt: Prompt }) => ({
    prompt,
    first: second,
    second: first,
  });
  const rows = questions.flatMap((question) => [row(question), row(swapped(question))]);
  const digest = scorerDigest(context, trained);
  const logps = (await withModel(context, digest, (model) =>
    context.deps.scorer.choices(model, rows, context),
  )) as unknown as LetterLogps[];
  const preferences = questions.map((_, i) => firstIsBetter(logps[2 * i]!, logps[2 * i + 1]!));
  refuseNotFinite("preference model", digest, questions, preferences);
  return preferences;
}

/**
 * Standings of the groups' completions in place of scores: the best of a group alone above all others, the worst alone below. Copies
 * share the standing of their text. Answers that pairing will set aside for being cut are not compared and stand at 0.
 */
export async function standingsOf(
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
  const standings = await knockOut(
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
  const standing = new Map(
    groups.flatMap(({ rows, placeOf }, group) =>
      rows.map((row, i) => [row, standings[group]![placeOf[i]!]!] as const),
    ),
  );
  return completions.map((row) => standing.get(row) ?? 0);
}
