// audit: how often scores agree with the labels of a questionnaire's audit part, which nothing is trained on.
import { agreementOf } from "../../campaign/labeling/agreement.ts";
import type { Judged } from "../../campaign/labeling/agreement.ts";
import type {
  ComparisonRow,
  QuestionnaireResult,
  SealResult,
  SealRow,
} from "../../campaign/labeling/types.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import type { AuditResult, ScoreResult } from "../../campaign/types.ts";
import { stamp } from "../address.ts";
import { resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { StageDone } from "../contract.ts";
import type { AuditInput } from "../label-contract.ts";
import { commitOnce } from "../single.ts";
import { byAnswer } from "./compared-answers.ts";
import type { Score } from "./score.ts";

export async function audit(context: StageContext<AuditInput>): Promise<StageDone> {
  const { seal, scores } = context.input;
  const { seed, evaluate } = context.spec;
  const { resamples } = evaluate;
  const { digest, result } = await commitOnce(
    context,
    { seal, scores, seed, resamples },
    async (): Promise<AuditResult> => ({
      ...stamp(context),
      stage: "audit",
      seal,
      scores,
      agreement: agreementOf(await judgedBy(context), {
        resamples,
        seed: resamplingSeed(seed, "audit", context.place),
      }),
    }),
  );
  const { rate, decided } = result.agreement;
  return { digest, values: { ...(rate ? { agreement: rate.value } : {}), decided } };
}

/** The labels of the audit part, each with the scores of its two answers. */
async function judgedBy({ deps: { store }, input }: StageContext<AuditInput>): Promise<Judged[]> {
  const { questionnaire, labels } = await resultOf<SealResult>(store, input.seal);
  const { comparisons } = await resultOf<QuestionnaireResult>(store, questionnaire);
  const asked = (await rowsOnce<ComparisonRow>(store, comparisons)).filter((row) => row.audit);
  const byNumber = new Map(asked.map((row) => [row.comparison, row]));
  const { pieces } = await resultOf<ScoreResult>(store, input.scores);
  const found = await byAnswer<Score>(store, pieces, asked);
  return (await rowsOnce<SealRow>(store, labels))
    .filter((row) => row.audit)
    .map(({ comparison, choice }): Judged => {
      const { promptId, first, second } = byNumber.get(comparison)!;
      const scoreOf = (index: number): number => found(promptId, index).score;
      return { promptId, choice, first: scoreOf(first.index), second: scoreOf(second.index) };
    });
}
