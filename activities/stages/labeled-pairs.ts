// Pairs of a closed questionnaire.
import { majorities } from "../../campaign/labeling/majority.ts";
import type { Votes } from "../../campaign/labeling/majority.ts";
import { pairsFromLabels } from "../../campaign/labeling/pairs.ts";
import type {
  ComparisonRow,
  QuestionnaireResult,
  SealResult,
  SealRow,
} from "../../campaign/labeling/types.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import type { Digest, GenerateResult, PairReport } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { promptsById, resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import { byAnswer } from "./compared-answers.ts";

/** `votesOf`: of the labels that count; by default all that the seal lists. */
export async function labeledPairs(
  { deps: { store } }: StageContext,
  seal: Digest,
  limit: number,
  votesOf: (rows: readonly SealRow[]) => Map<number, Votes> = majorities,
): Promise<{ pairs: PairRow[]; report: PairReport }> {
  const { questionnaire, labels } = await resultOf<SealResult>(store, seal);
  const asked = await resultOf<QuestionnaireResult>(store, questionnaire);
  const votes = votesOf(await rowsOnce<SealRow>(store, labels));
  const trained = (await rowsOnce<ComparisonRow>(store, asked.comparisons)).filter(({ comparison }) =>
    votes.has(comparison),
  );
  const { prompts: list, pieces } = await resultOf<GenerateResult>(store, asked.answers);
  const prompts = await promptsById(store, list);
  const answers = await byAnswer<Completion>(store, pieces, trained);
  return pairsFromLabels(
    trained.map(({ comparison, promptId, first, second }) => ({
      prompt: prompts(promptId),
      first: answers(promptId, first.index),
      second: answers(promptId, second.index),
      ...votes.get(comparison)!,
    })),
    limit,
  );
}
