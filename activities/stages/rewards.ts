// Proxy rewards of answers, and the digest of whatever gives them.
import { RatchetError } from "../../errors/index.ts";
import type { Finish } from "../../campaign/spec/modules.ts";
import type { Digest } from "../../campaign/types.ts";
import type { AnswerRow } from "../../runtimes/types.ts";
import type { StageContext } from "../attempt/context.ts";
import { withModel } from "../models.ts";
import { callModule, moduleAnswer } from "../modules.ts";

/** By the reward model or by the author's module: one number per row, in order. */
export async function rewardsOf(
  context: StageContext,
  rewardModel: Digest | undefined,
  rows: (AnswerRow & { finish: Finish })[],
): Promise<number[]> {
  if (context.spec.score.by === "module") {
    return callModule(
      context,
      "reward",
      rows.map(({ prompt, ...row }) => ({ prompt, answer: moduleAnswer(row) })),
    );
  }
  if (!rewardModel)
    throw new RatchetError("unreachable_state", "scoring by model needs the bootstrap's reward model");
  const rewards = await withModel(context, rewardModel, (model) =>
    context.deps.scorer.rewards(model, rows, context),
  );
  refuseNotFinite("reward model", rewardModel, rows, rewards);
  return rewards;
}

/** NaN cannot be written as JSON, nor ordered. The message names the model and the prompt. */
export function refuseNotFinite(
  model: string,
  digest: Digest,
  rows: readonly { prompt: { id: string } }[],
  values: readonly number[],
): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new RatchetError(
    "reward_not_finite",
    `the ${model} ${digest.slice(0, 12)} answers ${values[bad]} ` +
      `for an answer to prompt ${rows[bad]?.prompt.id}`,
    {
      hint: "its training went wrong: look at the loss curve of that stage, or lower its learning rate",
    },
  );
}

/** Digest of the model or module that scores. It is part of the addresses of scores. */
export function scorerDigest({ spec }: StageContext, trained: Digest | undefined): Digest {
  const { score } = spec;
  const digest =
    score.by === "module"
      ? spec.modules.reward?.digest
      : score.by === "preference-model"
        ? (score.model ?? trained)
        : trained;
  if (!digest) throw new RatchetError("unreachable_state", "the spec names nothing that scores");
  return digest;
}
