// The compiled spec: defaults filled in, every path replaced by the digest of what it held. Its canonical JSON is the blob that
// `specDigest` names, the same on every machine. The written and the resolved form are in spec.ts.
import type { DEFAULTS } from "./defaults.ts";
import type { ResolvedLoss } from "./losses.ts";
import type { ModuleBlob } from "./modules.ts";
import type { PreferenceFormat } from "../recipe/preference-model.ts";
import type { Digest } from "../types.ts";

/** A blob of JSON Lines. */
export interface Rows {
  rows: Digest;
  count: number;
}

export interface Optimizer {
  learningRate: number;
  betas: [number, number];
  epsilon: number;
  weightDecay: number;
  clip: number;
  schedule: "constant" | "linear" | "cosine";
  warmup: number;
  epochs: number;
  batch: number;
  /** Rows of a batch that are computed at once. */
  microBatch: number;
  maxLength: number;
  /** Longer rows lose their end; where absent they are left out. */
  truncation?: "keep_start";
}

/** An adapter that learns in place of the weights. */
export interface Lora {
  rank: number;
  alpha: number;
  targets: (typeof DEFAULTS.lora.targets)[number][];
}

export interface Sampling {
  /** `count` samples at each temperature, in order: 8 = [{1.0, 4}, {0.7, 4}]. */
  samples: { temperature: number; count: number }[];
  maxTokens: number;
  /** 0 = off. */
  topK: number;
  /** 1 = off. */
  topP: number;
  /** 0 = off. */
  minP: number;
  /** Texts and token ids that end an answer, besides the model's own. */
  stop: (string | number)[];
}

export interface PairSettings {
  strategy: "max-min" | "max-random" | "max-max" | "random";
  /** Subtracted from the score per token or character, before choice and orientation. weight 0 = off. */
  lengthPenalty: { per: "token" | "character"; weight: number };
  /** Truncated answers never enter a pair. */
  dropTruncated: boolean;
  /** Subtracted, like the length penalty, from the score of an answer that was cut off at the limit (TRL's missing_eos_penalty). */
  missingEosPenalty: number;
  /** Pairs kept per iteration, in prompt order; 0 = all. Baselines keep iterations × limit, so with them it is a multiple of the batch. */
  limit: number;
}

export interface Checkpointing {
  everySteps: number;
  everySeconds: number;
}

export interface BaselineSettings {
  name: string;
  pairs: "preferences" | "initial-policy";
  learningRate: number;
}

export interface CompiledSpec {
  schema: "ratchet.spec/1";
  name: string;
  seed: number;
  /** Tree digest of the given policy: π_0, or what SFT starts from. */
  policy: { tree: Digest };
  prompts: {
    /** iterations × perIteration rows, iteration 1 first. */
    iterations: Rows;
    perIteration: number;
    validation: Rows;
    test: Rows;
    /** Prompts whose sampled answers a rater labels. */
    preferences?: Rows;
    /** Prompts that two sets share, by `first/second`, counted at start; sets that must not share any are refused there. */
    overlaps: Record<string, number>;
  };
  bootstrap: {
    /** `assistantOnly`: no loss on what the chat template's `{% generation %}` leaves out. */
    sft?: { data: Rows; optimizer: Optimizer; promptMask: boolean; assistantOnly?: true };
    /** Pairs from a file in TRL's columns (with what its filters dropped, by reason), or sampled from π_0 and labelled by the rater module. */
    preferences?: { data: Rows; dropped: Record<string, number> } | { sample: Sampling };
    /** `margin`: the chosen answer's reward should be larger by the row's; `centering`: absent = 0. */
    reward?: { optimizer: Optimizer; margin?: true; centering?: number };
    preferenceModel?: { optimizer: Optimizer };
  };
  baselines: BaselineSettings[];
  iterations: number;
  generate: Sampling;
  /** Prompts per piece; pieces per shard; shards at once; what becomes of a piece of generate that kills its process (absent = it ends the campaign). */
  pieces: { prompts: number; perShard: number; wave: number; poison?: "drop" };
  /**
   * `model`: the bootstrap's reward model. `module`: modules.reward. `preference-model`: comparisons two by two, by the given model (tree
   * digest) or, where absent, the bootstrap's.
   */
  score: { by: "model" | "module" } | { by: "preference-model"; model?: Digest; format: PreferenceFormat };
  pair: PairSettings;
  /** `ldAlpha`: absent = 1, every token counts alike. */
  train: {
    loss: ResolvedLoss;
    beta: number;
    ldAlpha?: number;
    reference: "initial" | "previous";
    lora?: Lora;
    optimizer: Optimizer;
  };
  checkpoint: Checkpointing;
  evaluate: { samples: number; temperature: number; resamples: number };
  promote: { threshold: number };
  modules: Partial<Record<"rater" | "reward" | "judge" | "gold", ModuleBlob>>;
  queues: { generate: string; score: string; train: string; evaluate: string };
}
