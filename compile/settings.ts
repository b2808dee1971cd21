// The settings of a compiled spec. A setting without effect is left out, so that a spec has the same digest
// in a version that does not know the setting.
import { RatchetError } from "../errors/index.ts";
import type { CompiledSpec, LabelSettings, Optimizer, RefitSettings } from "../campaign/spec/compiled.ts";
import type { ChooseBy } from "../campaign/labeling/types.ts";
import { durationMs } from "../campaign/spec/fields.ts";
import { DEFAULTS } from "../campaign/spec/defaults.ts";
import { policyTask } from "../campaign/spec/losses.ts";
import type { PairRow } from "../campaign/recipe/rows.ts";
import type { ResolvedOptimizer, ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Digest } from "../campaign/types.ts";
import type { ModelConfig } from "../engine/model/index.ts";
import { defaultMicroBatch } from "../engine/train/micro-batch.ts";
import type { TrainTask } from "../engine/train/types.ts";

type Settings = Pick<
  CompiledSpec,
  | "iterations"
  | "generate"
  | "pieces"
  | "runtimes"
  | "labels"
  | "pair"
  | "train"
  | "checkpoint"
  | "evaluate"
  | "promote"
  | "queues"
>;

export function settings(
  { iterations, generate, score, labels, pair, train, evaluate, promote }: ResolvedSpec,
  config: ModelConfig,
): Settings {
  const { samples, maxTokens, topK, topP, minP, stop } = generate;
  return {
    iterations,
    generate: { samples, maxTokens, topK, topP, minP, stop },
    pieces: {
      prompts: generate.piece,
      perShard: generate.shard,
      wave: generate.wave,
      poison: generate.poison === "drop" ? "drop" : undefined,
    },
    runtimes: generate.runtime === DEFAULTS.runtime ? undefined : { generate: generate.runtime },
    labels: labels && {
      ...labelSettings(labels.perIteration, labels.choose, labels),
      refit: refitSettings(labels, config),
    },
    pair,
    train: {
      loss: train.loss,
      beta: train.beta,
      ldAlpha: train.ldAlpha < 1 ? train.ldAlpha : undefined,
      reference: train.reference,
      lora: train.lora && lora(train.lora),
      optimizer: cutting(train, config, policyTask(train)),
    },
    checkpoint: train.checkpoint,
    evaluate: { samples: evaluate.samples, temperature: evaluate.temperature, resamples: evaluate.resamples },
    promote: promotion(promote),
    queues: {
      generate: generate.queue,
      score: score.queue,
      train: train.queue,
      evaluate: evaluate.queue,
      ...evaluate.queues,
    },
  };
}

const promotion = ({
  threshold,
  by,
  confidence,
  alsoAgainst,
}: ResolvedSpec["promote"]): Settings["promote"] => ({
  threshold,
  by: by === "raw" ? undefined : by,
  confidence: confidence || undefined,
  alsoAgainst: alsoAgainst || undefined,
});

type Labels = NonNullable<ResolvedSpec["labels"]>;

function labelSettings(
  comparisons: number,
  choose: ChooseBy,
  { audit, perComparison, deadline, minimum, labelers }: Labels | NonNullable<Bootstrap["labels"]>,
): LabelSettings {
  const deadlineMs = deadline === undefined ? undefined : durationMs(deadline);
  return { comparisons, choose, audit, perComparison, deadlineMs, minimum, api: labelers?.api };
}

function refitSettings({ use, refit }: Labels, config: ModelConfig): RefitSettings | undefined {
  if (!use.includes("reward") || !refit) return undefined;
  return {
    optimizer: optimizer(refit, config, { kind: "reward" }),
    replay: refit.replay,
    pairs: use.includes("pairs") ? "labels" : "scores",
  };
}

/** Before there is a reward model, nothing but chance can choose. */
export const bootstrapLabels = (
  labels: NonNullable<Bootstrap["labels"]>,
): CompiledSpec["bootstrap"]["labels"] => ({
  ...labelSettings(labels.comparisons, "random", labels),
  sample: labels.sample,
});

/** Names in a fixed order, each once, because their order in a spec has no effect. */
export function ignored({ prompts, bootstrap }: ResolvedSpec): CompiledSpec["ignored"] {
  const lists = { prompts, sft: bootstrap.sft?.data, preferences: bootstrap.preferences };
  const given = Object.entries(lists)
    .map(([source, data]) => [source, [...new Set(data?.ignore)].sort()] as const)
    .filter(([, names]) => names.length > 0);
  return given.length > 0 ? Object.fromEntries(given) : undefined;
}

export function scorer({ score }: ResolvedSpec, given: Digest | undefined): CompiledSpec["score"] {
  if (score.reward === "model" || score.reward === "none") return { by: score.reward };
  if (score.reward !== "preference-model") return { by: "module" };
  const { template, letters } = score.preferenceModel;
  return { by: "preference-model", format: { template, letters }, model: given };
}

/** Targets in a fixed order, each once, because their order in a spec has no effect. */
const lora = (written: NonNullable<ResolvedSpec["train"]["lora"]>): CompiledSpec["train"]["lora"] => ({
  ...written,
  targets: DEFAULTS.lora.targets.filter((target) => written.targets.includes(target)),
});

type Bootstrap = ResolvedSpec["bootstrap"];

/** Trainings of the bootstrap, without their data. `pairs`: those of a preference file. */
export function bootstrapTrainings(
  { sft, reward, preferenceModel }: Bootstrap,
  pairs: readonly PairRow[] | undefined,
  config: ModelConfig,
): Pick<CompiledSpec["bootstrap"], "reward" | "preferenceModel"> & {
  sft: Omit<NonNullable<CompiledSpec["bootstrap"]["sft"]>, "data"> | undefined;
} {
  return {
    sft: sft && {
      optimizer: cutting(sft, config, { kind: "sft", promptMask: sft.promptMask }),
      promptMask: sft.promptMask,
      assistantOnly: sft.assistantOnly ? true : undefined,
    },
    reward: reward && rewardTraining(reward, pairs, config),
    preferenceModel: preferenceModel && {
      optimizer: optimizer(preferenceModel, config, { kind: "sft", promptMask: true }),
    },
  };
}

function rewardTraining(
  settings: NonNullable<Bootstrap["reward"]>,
  pairs: readonly PairRow[] | undefined,
  config: ModelConfig,
): CompiledSpec["bootstrap"]["reward"] {
  const { margin, centering } = settings;
  const without = margin ? pairs?.findIndex((pair) => pair.margin === undefined) : -1;
  if (without !== undefined && without >= 0) {
    throw new RatchetError(
      "preferences_invalid",
      `pair ${without + 1} of bootstrap.preferences has no scores, ` +
        "but bootstrap.reward.margin needs their difference",
      { hint: "every row needs chosen_score and rejected_score, or margin" },
    );
  }
  return {
    optimizer: optimizer(settings, config, { kind: "reward" }),
    margin: margin ? true : undefined,
    centering: centering > 0 ? centering : undefined,
  };
}

function optimizer(settings: ResolvedOptimizer, config: ModelConfig, task: TrainTask): Optimizer {
  const { learningRate, betas, epsilon, weightDecay, clip, schedule, warmup, epochs, batch } = settings;
  const { maxLength = config.maxPositions } = settings;
  const microBatch = Math.min(
    batch,
    settings.microBatch ?? defaultMicroBatch(config, task, { batch, maxLength }),
  );
  const adamW = { learningRate, betas, epsilon, weightDecay, clip, schedule, warmup };
  return { ...adamW, epochs, batch, microBatch, maxLength };
}

function cutting(
  settings: ResolvedOptimizer & { truncation: "drop" | "keep_start" },
  config: ModelConfig,
  task: TrainTask,
): Optimizer {
  const truncation = settings.truncation === "keep_start" ? settings.truncation : undefined;
  return { ...optimizer(settings, config, task), truncation };
}
