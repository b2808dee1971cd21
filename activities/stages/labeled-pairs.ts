// Pairs of a closed questionnaire, and how often the scores agree with its audit part.
import { agreementOf } from "../../campaign/labeling/agreement.ts";
import type { Agreement, Judged } from "../../campaign/labeling/agreement.ts";
import { majorities } from "../../campaign/labeling/majority.ts";
import type {
  ComparisonRow,
  QuestionnaireResult,
  SealResult,
  SealRow,
} from "../../campaign/labeling/types.ts";
import { pairsFromLabels } from "../../campaign/recipe/labels.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { rowsOfBlob } from "../../campaign/rows/json-lines.ts";
import type { Digest, GenerateResult, PairReport, PieceRef, ScoreResult } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import type { Store } from "../../store/types.ts";
import { pieceRows, promptsById, resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { Score } from "./score.ts";

export async function labeledPairs(
  context: StageContext,
  seal: Digest,
  limit: number,
): Promise<{ pairs: PairRow[]; report: PairReport }> {
  const { store } = context.deps;
  const { questionnaire, labels, counts } = await resultOf<SealResult>(store, seal);
  const asked = await resultOf<QuestionnaireResult>(store, questionnaire);
  const rows = rowsOfBlob<SealRow>(await store.getBlob(labels), labels);
  const comparisons = await rowsOnce<ComparisonRow>(store, asked.comparisons);
  const { prompts: list, pieces } = await resultOf<GenerateResult>(store, asked.answers);
  const prompts = await promptsById(store, list);

  const probabilities = majorities(rows);
  const trained = comparisons.filter(({ comparison }) => probabilities.has(comparison));
  const answers = await byAnswer<Completion>(store, pieces, trained);
  const { pairs, report } = pairsFromLabels(
    trained.map(({ promptId, first, second }) => ({
      prompt: prompts(promptId),
      first: answers(promptId, first.index),
      second: answers(promptId, second.index),
    })),
    trained.map(({ comparison }) => probabilities.get(comparison)!),
    0,
  );
  const kept = limit > 0 ? pairs.slice(0, limit) : pairs;
  const audit = asked.audit > 0 ? await auditOf(context, asked, comparisons, rows) : undefined;
  const dropped = { ...report.dropped, limit: pairs.length - kept.length };
  return { pairs: kept, report: { ...report, pairs: kept.length, dropped, labels: counts.labels, audit } };
}

/** Undefined if the proxy gives no scores, only an order of a prompt's answers. */
async function auditOf(
  { deps: { store }, spec, place }: StageContext,
  { scores }: QuestionnaireResult,
  comparisons: readonly ComparisonRow[],
  rows: readonly SealRow[],
): Promise<Agreement | undefined> {
  if (scores === undefined || spec.score.by === "preference-model") return undefined;
  const asked = new Map(comparisons.map((row) => [row.comparison, row]));
  const audited = rows.filter(({ audit }) => audit);
  const { pieces } = await resultOf<ScoreResult>(store, scores);
  const needed = audited.map(({ comparison }) => asked.get(comparison)!);
  const found = await byAnswer<Score>(store, pieces, needed);
  const judged = audited.map(({ comparison, choice }): Judged => {
    const { promptId, first, second } = asked.get(comparison)!;
    const scoreOf = (index: number): number => found(promptId, index).score;
    return { promptId, choice, first: scoreOf(first.index), second: scoreOf(second.index) };
  });
  const seed = resamplingSeed(spec.seed, "audit", place);
  return agreementOf(judged, { resamples: spec.evaluate.resamples, seed });
}

/** Rows of the compared answers, whatever else the pieces hold. */
async function byAnswer<R extends { promptId: string; index: number }>(
  store: Store,
  pieces: readonly PieceRef[],
  comparisons: readonly ComparisonRow[],
): Promise<(promptId: string, index: number) => R> {
  const name = (promptId: string, index: number): string => `${promptId}/${index}`;
  const wanted = new Set(
    comparisons.flatMap(({ promptId, first, second }) => [
      name(promptId, first.index),
      name(promptId, second.index),
    ]),
  );
  const found = new Map<string, R>();
  for await (const rows of pieceRows<R>(store, pieces))
    for (const row of rows)
      if (wanted.has(name(row.promptId, row.index))) found.set(name(row.promptId, row.index), row);
  return (promptId, index) => found.get(name(promptId, index))!;
}
