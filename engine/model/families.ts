// The model families that the engine computes, as one table: everything in which they differ. Names, keys and defaults are those of
// transformers' configuration classes. The graphs never ask for a family: they see the parameters that parameters.ts lists from it.

/** Whether something is there: in every model of the family, in none, or as a switch of the configuration says. */
type Presence = "always" | "never" | "attentionBias" | "mlpBias";

export interface Family {
  /** `model_type` of config.json. */
  modelType: string;
  /** Biases of q, k and v; of the attention's output; of all three projections of the feed-forward block. */
  qkvBias: Presence;
  outputBias: Presence;
  mlpBias: Presence;
  /** q and k of every head go through an RMSNorm before the rotary embedding. */
  headNorms: boolean;
  /** The key that puts a sliding window to use. */
  window: "sliding_window" | "use_sliding_window";
  /** What an absent key of config.json means. */
  absent: Readonly<Record<string, number>>;
}

export const families = {
  Llama: {
    modelType: "llama",
    qkvBias: "attentionBias",
    outputBias: "attentionBias",
    mlpBias: "mlpBias",
    headNorms: false,
    window: "sliding_window",
    absent: { max_position_embeddings: 2048 },
  },
  Mistral: {
    modelType: "mistral",
    qkvBias: "never",
    outputBias: "never",
    mlpBias: "never",
    headNorms: false,
    window: "sliding_window",
    absent: { max_position_embeddings: 131_072, num_key_value_heads: 8, sliding_window: 4096 },
  },
  Qwen2: {
    modelType: "qwen2",
    qkvBias: "always",
    outputBias: "never",
    mlpBias: "never",
    headNorms: false,
    window: "use_sliding_window",
    absent: { max_position_embeddings: 32_768, num_key_value_heads: 32 },
  },
  Qwen3: {
    modelType: "qwen3",
    qkvBias: "attentionBias",
    outputBias: "attentionBias",
    mlpBias: "never",
    headNorms: true,
    window: "use_sliding_window",
    absent: { max_position_embeddings: 32_768, num_key_value_heads: 32, head_dim: 128 },
  },
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof families;

/** transformers' class: a policy that writes, or a reward model with one score. */
export type Architecture = `${FamilyName}${"ForCausalLM" | "ForSequenceClassification"}`;

const rewardSuffix = "ForSequenceClassification";

export const architectures: readonly Architecture[] = (Object.keys(families) as FamilyName[]).flatMap(
  (name) => [`${name}ForCausalLM` as const, `${name}${rewardSuffix}` as const],
);

interface Model {
  architecture: Architecture;
  attentionBias?: boolean;
  mlpBias?: boolean;
}

export function familyOf({ architecture }: Pick<Model, "architecture">): Family {
  return families[architecture.replace(/For.*$/, "") as FamilyName];
}

/** Whether the model gives one score for a sequence, not probabilities of tokens. */
export function isRewardModel({ architecture }: Pick<Model, "architecture">): boolean {
  return architecture.endsWith(rewardSuffix);
}

/** The reward model's architecture of the same family. */
export function rewardArchitecture(architecture: Architecture): Architecture {
  return architecture.replace(/For.*$/, rewardSuffix) as Architecture;
}

/** The parts that not every model has. */
export function partsOf(model: Model): Record<"qkvBias" | "outputBias" | "mlpBias" | "headNorms", boolean> {
  const { qkvBias, outputBias, mlpBias, headNorms } = familyOf(model);
  const has = (presence: Presence): boolean =>
    presence === "always" || (presence !== "never" && model[presence] === true);
  return { qkvBias: has(qkvBias), outputBias: has(outputBias), mlpBias: has(mlpBias), headNorms };
}
