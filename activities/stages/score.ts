// score: one proxy reward per completion, by the reward model or by the author's module; or, by a preference
// model, its rank among the completions of its prompt. Its pieces are those of generate or answer.
import { mean } from "../../campaign/recipe/mean.ts";
import type { GenerateResult, ScoreResult } from "../../campaign/types.ts";
import type { Completion } from "../../runtimes/types.ts";
import { stamp } from "../address.ts";
import { pieceRows, promptsById, resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { ScoreInput } from "../contract.ts";
import type { PieceStage } from "../pieces.ts";
import { allAnswers } from "./answer-pieces.ts";
import { auditedAnswers } from "./audited-answers.ts";
import { preferenceModel, ranksOf } from "./preference-model.ts";
import { rewardsOf, scorerDigest } from "./rewards.ts";

/** One row of scores.jsonl. */
export interface Score {
  promptId: string;
  index: number;
  score: number;
}

export async function scoreStage(context: StageContext<ScoreInput>): Promise<PieceStage> {
  const { deps, input, spec } = context;
  const preference = preferenceModel(context);
  const generated = await resultOf<GenerateResult>(deps.store, input.completions);
  const answers =
    input.of === "audit" ? await auditedAnswers(context, generated) : allAnswers(context, generated);
  const scorer = scorerDigest(context, input.rewardModel);

  return {
    pieces: answers.pieces,
    inputs: (index) => ({
      ...answers.inputs(index),
      scorer,
      format: preference?.format,
      dropTruncated: preference && spec.pair.dropTruncated,
    }),
    async compute(index) {
      const { completions, prompts } = await answers.read(index);
      return { rows: await scored(context, completions, generated.prompts), prompts, counts: {} };
    },
    async seal(pieces) {
      const stats = await statistics(pieceRows<Score>(deps.store, pieces));
      const { completions } = input;
      const result: ScoreResult = { ...stamp(context), stage: "score", completions, scorer, pieces, stats };
      return { result, values: { mean: stats.mean, bestMean: stats.bestMean } };
    },
  };
}

async function scored(
  context: StageContext<ScoreInput>,
  completions: readonly Completion[],
  list: string,
): Promise<Score[]> {
  if (completions.length === 0) return [];
  const prompts = await promptsById(context.deps.store, list);
  const rows = completions.map((row) => ({ ...row, prompt: prompts(row.promptId) }));
  const scoresOf = preferenceModel(context) ? ranksOf : rewardsOf;
  const scores = await scoresOf(context, context.input.rewardModel, rows);
  return completions.map(({ promptId, index }, at) => ({ promptId, index, score: scores[at] as number }));
}

/** Mean, standard deviation, and mean over prompts of the best score, in score units. */
async function statistics(pieces: AsyncIterable<Score[]>): Promise<ScoreResult["stats"]> {
  // Only scores stay in memory, not rows.
  const scores: number[] = [];
  const best: number[] = [];
  for await (const rows of pieces) {
    // A piece holds whole groups.
    const bestOf = new Map<string, number>();
    for (const { promptId, score } of rows) {
      scores.push(score);
      bestOf.set(promptId, Math.max(score, bestOf.get(promptId) ?? -Infinity));
    }
    best.push(...bestOf.values());
  }
  const middle = mean(scores);
  return {
    count: scores.length,
    mean: middle,
    std: Math.sqrt(mean(scores.map((score) => (score - middle) ** 2))),
    bestMean: mean(best),
  };
}
