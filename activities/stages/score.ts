// score: one proxy reward per completion, by the reward model or by the author's module; by a preference model, its standing among the
// completions of its prompt. Pieces are generate's pieces.
import { RatchetError } from "../../errors/index.ts";
import type { GenerateResult, ScoreResult } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { ScoreInput } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { rewardsOf, scorerDigest } from "../models.ts";
import { preferenceModel, standingsOf } from "./preference.ts";
import type { PieceStage } from "../pieces.ts";
import { stamp } from "../pieces.ts";
import { pieceRows, resultOf, rowsById, rowsOnce } from "../records.ts";

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
  const scorer = scorerDigest(context, input.rewardModel);

  return {
    pieces: generated.pieces.length,
    inputs: (index) => ({
      completions: generated.pieces[index]?.rows,
      scorer,
      ...(preference ? { format: preference.format, dropTruncated: spec.pair.dropTruncated } : {}),
    }),
    async compute(index) {
      const piece = generated.pieces[index];
      if (!piece)
        throw new RatchetError("unreachable_state", `generate of ${context.place} has no piece ${index}`);
      const completions = await rowsOnce<Completion>(deps.store, piece.rows);
      const prompts = await promptsById(context, generated.prompts);
      const asked = completions.map((row) => ({ ...row, prompt: prompts(row.promptId) }));
      const scores = await (preference ? standingsOf : rewardsOf)(context, input.rewardModel, asked);
      const rows = completions.map(({ promptId, index: sample }, at): Score => ({
        promptId,
        index: sample,
        score: scores[at] as number,
      }));
      return { rows, prompts: piece.prompts, counts: {} };
    },
    async seal(pieces) {
      const stats = await statistics(pieceRows<Score>(deps.store, pieces));
      const result: ScoreResult = {
        ...stamp(context),
        stage: "score",
        completions: input.completions,
        scorer,
        pieces,
        stats,
      };
      return { result, values: { mean: result.stats.mean, bestMean: result.stats.bestMean } };
    },
  };
}

/** Mean, standard deviation, and mean over prompts of the best score, in score units. Of each row its number is kept, no more. */
async function statistics(pieces: AsyncIterable<Score[]>): Promise<ScoreResult["stats"]> {
  const scores: number[] = [];
  const best: number[] = [];
  for await (const rows of pieces) {
    // A piece holds whole groups.
    const ofPrompt = new Map<string, number>();
    for (const { promptId, score } of rows) {
      scores.push(score);
      ofPrompt.set(promptId, Math.max(score, ofPrompt.get(promptId) ?? -Infinity));
    }
    best.push(...ofPrompt.values());
  }
  const mean = average(scores);
  return {
    count: scores.length,
    mean,
    std: Math.sqrt(average(scores.map((score) => (score - mean) ** 2))),
    bestMean: average(best),
  };
}

const average = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Looks prompts up in a list of the store; an unknown id is a fault of ours. */
export async function promptsById({ deps }: StageContext, list: string): Promise<(id: string) => Prompt> {
  const byId = await rowsById<Prompt>(deps.store, list);
  return (id) => {
    const prompt = byId.get(id);
    if (!prompt)
      throw new RatchetError(
        "unreachable_state",
        `prompt ${id} is not in the list that its completions name`,
      );
    return prompt;
  };
}
