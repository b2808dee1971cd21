// Models and modules by digest, as stages use them. A stage can open only the modules of its own roles: training, pairing and
// promotion cannot read gold (ROLES is the whole list, and a test tries the rest).
import { RatchetError, isCoded } from "../errors/index.ts";
import type { Finish, ModuleRole } from "../campaign/spec/modules.ts";
import type { Digest, StageName } from "../campaign/types.ts";
import type { AnswerRow, LocalModel } from "../runtimes/types.ts";
import type { StageContext } from "./attempt/context.ts";

/** Roles that a stage may call. `gold` only in the test report; the rater only labels the bootstrap's preferences. */
function rolesOf({ input }: StageContext): readonly ModuleRole[] {
  const bootstrap = "iteration" in input.place && input.place.iteration === 0;
  const roles: Record<StageName, readonly ModuleRole[]> = {
    sft: [],
    reward: [],
    generate: [],
    score: ["reward"],
    pair: bootstrap ? ["rater"] : [],
    train: [],
    evaluate: (input as { split?: string }).split === "test" ? ["reward", "judge", "gold"] : ["reward"],
    promote: ["judge"],
  };
  return roles[input.stage];
}

export async function callModule<Row, Answer>(
  context: StageContext,
  role: "rater" | "reward" | "judge" | "gold",
  rows: Row[],
): Promise<Answer[]> {
  if (!rolesOf(context).includes(role))
    throw new RatchetError(
      "role_forbidden",
      `${context.input.stage} of ${context.place} may not read the ${role} module`,
    );
  const blob = context.spec.modules[role];
  if (!blob) throw new RatchetError("unreachable_state", `the spec names no ${role} module`);
  // The call has a limit of its own: within it, silence is no sign of a stuck attempt.
  context.allowSilence(blob.timeoutMs);
  return context.deps.modules.call<Row, Answer>(role, blob, rows, context.signal);
}

/** What `compute` makes of a model on local disk. Where its files are cleared away meanwhile, the next attempt fetches them again. */
export async function withModel<R>(
  { deps: { cache } }: StageContext,
  digest: Digest,
  compute: (model: LocalModel) => Promise<R>,
): Promise<R> {
  const dir = await cache.tree(digest);
  const copy = await cache.copyOf(digest);
  try {
    return await compute({ digest, dir });
  } catch (cause) {
    if (!isCoded(cause) || cause.kind !== "artifact") throw cause;
    // Whole all the while: fetching it again would give the same. Another shard may have fetched it by now.
    if (copy !== undefined && copy === (await cache.copyOf(digest))) throw cause;
    throw new RatchetError(
      "cache_cleared",
      `the worker's copy of model ${digest.slice(0, 12)} went while it was needed: ${cause.message}`,
      { cause },
    );
  }
}

/** Proxy rewards of answers, by the reward model or by the author's module. One number per row, in order. */
export async function rewardsOf(
  context: StageContext,
  rewardModel: Digest | undefined,
  rows: (AnswerRow & { finish: Finish })[],
): Promise<number[]> {
  if (context.spec.score.by === "module") {
    return callModule(
      context,
      "reward",
      rows.map(({ prompt, text, finish }) => ({ prompt, answer: { text, finish } })),
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

/** NaN is no JSON and no order: refused where it arises, with the model that gave it and the prompt at which it did. */
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
    `the ${model} ${digest.slice(0, 12)} answers ${values[bad]} for an answer to prompt ${rows[bad]?.prompt.id}`,
    {
      hint: "its training went wrong: look at the loss curve of the stage that trained it, or lower its learning rate",
    },
  );
}

/** What scores depend on: the tree of the reward model or preference model, or the module's blob. */
export function scorerDigest({ spec }: StageContext, trained: Digest | undefined): Digest {
  const { score } = spec;
  const digest =
    score.by === "module"
      ? spec.modules.reward?.digest
      : score.by === "preference-model"
        ? (score.model ?? trained)
        : trained;
  if (!digest) throw new RatchetError("unreachable_state", "nothing is named that could score");
  return digest;
}
