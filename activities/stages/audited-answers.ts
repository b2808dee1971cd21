// The answers that the audit part of a questionnaire compares, in pieces of their own: to score 60
// comparisons, a reward model need not read thousands of answers.
import type { ComparisonRow, QuestionnaireResult, SealResult } from "../../campaign/labeling/types.ts";
import type { GenerateResult } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { ScoreInput } from "../contract.ts";
import type { AnswerPieces } from "./answer-pieces.ts";
import { comparedRows } from "./compared-answers.ts";

/**
 * A piece has whole groups. The workflow counts pieces before any answer exists: as many as one comparison of
 * each prompt would fill. If a prompt is compared more often, the last pieces are empty.
 */
export async function auditedAnswers(
  { deps: { store }, input, spec }: StageContext<ScoreInput>,
  { pieces }: GenerateResult,
): Promise<AnswerPieces> {
  const { questionnaire } = await resultOf<SealResult>(store, input.seal ?? "");
  const { asked, comparisons } = await resultOf<QuestionnaireResult>(store, questionnaire);
  const size = spec.pieces.prompts;
  let groups: Promise<Completion[][]> | undefined;
  const read = async (): Promise<Completion[][]> => {
    const audited = (await rowsOnce<ComparisonRow>(store, comparisons)).filter(({ audit }) => audit);
    const byPrompt = new Map<string, Completion[]>();
    for await (const row of comparedRows<Completion>(store, pieces, audited))
      byPrompt.set(row.promptId, [...(byPrompt.get(row.promptId) ?? []), row]);
    return [...byPrompt.values()];
  };
  return {
    pieces: Math.ceil(asked.audit / size),
    inputs: () => ({ questionnaire }),
    async read(index) {
      groups ??= read();
      const some = (await groups).slice(index * size, (index + 1) * size);
      return { completions: some.flat(), prompts: some.length };
    },
  };
}
