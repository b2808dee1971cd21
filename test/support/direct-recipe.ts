// The recipe's stages as the activities compute them, one after the other in this process: a real store, no
// Temporal.
import { audit } from "../../activities/stages/audit.ts";
import { evaluate } from "../../activities/stages/evaluate.ts";
import { answerStage, generateStage } from "../../activities/stages/generate.ts";
import { judgeStage } from "../../activities/stages/judge.ts";
import { label, sealLabels } from "../../activities/stages/label.ts";
import { pair } from "../../activities/stages/pair.ts";
import { promote } from "../../activities/stages/promote.ts";
import { referenceStage } from "../../activities/stages/reference.ts";
import { scoreStage } from "../../activities/stages/score.ts";
import { train } from "../../activities/stages/train.ts";
import type { FanOutInput } from "../../activities/contract.ts";
import { stageContext } from "../../activities/attempt/stage-context.test.support.ts";
import type { Deps } from "../../activities/deps.ts";
import { runShard, sealStage } from "../../activities/pieces.ts";
import type { PieceStage } from "../../activities/pieces.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type { Place } from "../../campaign/types.ts";
import type { Recipe } from "../../workflows/recipe.ts";

/** The function that describes each fan-out. */
export const PIECE_STAGES: Record<FanOutInput["stage"], (context: never) => Promise<PieceStage>> = {
  generate: generateStage as never,
  answer: answerStage as never,
  score: scoreStage as never,
  reference: referenceStage as never,
  judge: judgeStage as never,
};

export function directRecipe(
  spec: CompiledSpec,
  deps: Deps,
  place: Place = { iteration: 1, take: 1 },
): Recipe {
  const contextOf = (own: object): never =>
    stageContext({ spec, deps, input: { ...own, place } as never }) as never;
  return {
    async fanOut(own) {
      const context = contextOf(own);
      const stage = await PIECE_STAGES[own.stage](context);
      await runShard(context, stage, { index: 0, from: 0, to: stage.pieces });
      return sealStage(context, stage);
    },
    async label(own) {
      if (own.by === "module") await label(contextOf(own));
      return sealLabels(contextOf(own));
    },
    audit: (own) => audit(contextOf(own)),
    pair: (own) => pair(contextOf(own)),
    train: (own) => train(contextOf(own)),
    evaluate: (own) => evaluate(contextOf(own)),
    promote: (own) => promote(contextOf(own)),
  };
}
