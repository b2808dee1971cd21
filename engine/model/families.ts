// The model families that the engine computes, as one table of all their differences. Names, keys and
// defaults are those of transformers' configuration classes. Graphs never ask for the family; they ask
// whether a parameter exists (parameters.ts).

/**
 * Whether a part exists: in every model of the family, in none, or if a switch of the configuration is on.
 */
type Presence = "always" | "never" | "attentionBias" | "mlpBias";

export interface Family {
  /** `model_type` of config.json. */
  modelType: string;
  /** Biases of q, k and v; of the attention's output; of all three projections of the feed-forward block. */
  qkvBias: Presence;
  outputBias: Presence;
  mlpBias: Presence;
  /** Every head's q and k have an RMSNorm before the rotary embedding. */
  headNorms: boolean;
  /** The key of config.json that turns a sliding window on. */
  window: "sliding_window" | "use_sliding_window";
  /** Values of keys that config.json may leave out. */
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

/** transformers' class: a policy that generates, or a reward model with one score. */
export type Architecture = `${FamilyName}${"ForCausalLM" | "ForSequenceClassification"}`;

const REWARD_SUFFIX = "ForSequenceClassification";

export const architectures: readonly Architecture[] = (Object.keys(families) as FamilyName[]).flatMap(
  (name) => [`${name}ForCausalLM` as const, `${name}${REWARD_SUFFIX}` as const],
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
  return architecture.endsWith(REWARD_SUFFIX);
}

/** The reward model's architecture of the same family. */
export function rewardArchitecture(architecture: Architecture): Architecture {
  return architecture.replace(/For.*$/, REWARD_SUFFIX) as Architecture;
}

/** Which of the optional parts the model has. */
export function partsOf(model: Model): Record<"qkvBias" | "outputBias" | "mlpBias" | "headNorms", boolean> {
  const { qkvBias, outputBias, mlpBias, headNorms } = familyOf(model);
  const has = (presence: Presence): boolean =>
    presence === "always" || (presence !== "never" && model[presence] === true);
  return { qkvBias: has(qkvBias), outputBias: has(outputBias), mlpBias: has(mlpBias), headNorms };
}
