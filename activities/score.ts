// score: one proxy reward per completion, by the reward model or by the author's module; by a preference model, its standing among the
// completions of its prompt. Pieces are generate's pieces.
import type { GenerateResult, ScoreResult } from "../campaign/types.ts";
import type { Completion, Prompt } from "../runtimes/types.ts";
import type { ScoreInput } from "./contract.ts";
import type { StageContext } from "./context.ts";
import { InvariantError } from "../campaign/errors.ts";
import { rewardsOf, scorerDigest } from "./models.ts";
import { preferenceModel, standingsOf } from "./preference.ts";
import type { PieceStage } from "./pieces.ts";
import { stamp } from "./pieces.ts";
import { resultOf, rowsOf } from "./records.ts";

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
    inputs: (index) => ({ completions: generated.pieces[index]?.rows, scorer, ...(preference ? { format: preference.format, dropTruncated: spec.pair.dropTruncated } : {}) }),
    async compute(index) {
      const piece = generated.pieces[index];
      if (!piece) throw new InvariantError("unreachable_state", `generate of ${context.place} has no piece ${index}`);
      const completions = await rowsOf<Completion>(deps.store, piece.rows);
      const prompts = await promptsById(context, generated.prompts);
      const asked = completions.map((row) => ({ ...row, prompt: prompts(row.promptId) }));
      const scores = await (preference ? standingsOf : rewardsOf)(context, input.rewardModel, asked);
      const rows = completions.map(({ promptId, index: sample }, at): Score => ({ promptId, index: sample, score: scores[at] as number }));
      return { rows, prompts: piece.prompts, counts: {} };
    },
    async seal(pieces) {
      const scores = (await Promise.all(pieces.map(({ rows }) => rowsOf<Score>(deps.store, rows)))).flat();
      const result: ScoreResult = { ...stamp(context), stage: "score", completions: input.completions, scorer, pieces, stats: statistics(scores) };
      return { result, values: { mean: result.stats.mean, bestMean: result.stats.bestMean } };
    },
  };
}

/** Mean, standard deviation, and mean over prompts of the best score, in score units. */
function statistics(scores: readonly Score[]): ScoreResult["stats"] {
  const count = scores.length;
  const mean = scores.reduce((sum, { score }) => sum + score, 0) / count;
  const variance = scores.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / count;
  const best = new Map<string, number>();
  for (const { promptId, score } of scores) best.set(promptId, Math.max(score, best.get(promptId) ?? -Infinity));
  return { count, mean, std: Math.sqrt(variance), bestMean: [...best.values()].reduce((sum, score) => sum + score, 0) / best.size };
}

/** Looks prompts up in a list of the store; an unknown id is a fault of ours. */
export async function promptsById({ deps }: StageContext, list: string): Promise<(id: string) => Prompt> {
  const byId = new Map((await rowsOf<Prompt>(deps.store, list)).map((prompt) => [prompt.id, prompt]));
  return (id) => {
    const prompt = byId.get(id);
    if (!prompt) throw new InvariantError("unreachable_state", `prompt ${id} is not in the list that its completions name`);
    return prompt;
  };
}
