// The compiled spec: defaults filled in, every path replaced by the digest of its content. Its canonical JSON
// is the blob that `specDigest` names, the same on every machine. schema.ts has the written and the resolved
// form.
import type { DEFAULTS } from "./defaults.ts";
import type { ResolvedLoss } from "./losses.ts";
import type { ModuleBlob, StageModule } from "./modules.ts";
import type { ChooseBy } from "../labeling/types.ts";
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
  /** Rows per forward and backward pass; gradients of a batch are summed over its passes. */
  microBatch: number;
  maxLength: number;
  /** Rows longer than maxLength lose their end; if absent, they are dropped. */
  truncation?: "keep_start";
}

/** Train an adapter only; the weights stay fixed. */
export interface Lora {
  rank: number;
  alpha: number;
  targets: (typeof DEFAULTS.lora.targets)[number][];
}

export interface Sampling {
  /** `count` samples at each temperature, in order: [{1.0, 4}, {0.7, 4}] gives 8. */
  samples: { temperature: number; count: number }[];
  maxTokens: number;
  /** 0 = off. */
  topK: number;
  /** 1 = off. */
  topP: number;
  /** 0 = off. */
  minP: number;
  /** Texts and token ids that end an answer, besides the model's end-of-sequence tokens. */
  stop: (string | number)[];
}

/** What is asked of labelers at one place. `minimum`: comparisons to train on at the deadline. */
export interface LabelSettings {
  comparisons: number;
  choose: ChooseBy;
  audit: number;
  perComparison: number;
  deadlineMs?: number;
  minimum: number;
  /** Name of the API labeler, in the settings of workers. */
  api?: string;
}

/** The reward model is trained on with the new labels and `replay` old pairs for each new one. */
export interface RefitSettings {
  optimizer: Optimizer;
  replay: number;
  /** What the policy's pairs are made of: the labels, or the scores of the new reward model. */
  pairs: "labels" | "scores";
}

export interface PairSettings {
  strategy: "max-min" | "max-random" | "max-max" | "random";
  /** Subtracted from the score per token or character, before the pair is chosen. weight 0 = off. */
  lengthPenalty: { per: "token" | "character"; weight: number };
  /** Answers that were cut off at the token limit never enter a pair. */
  dropTruncated: boolean;
  /**
   * Subtracted from the score of an answer that was cut off at the token limit (TRL's missing_eos_penalty).
   */
  missingEosPenalty: number;
  /** Pairs kept per iteration, in prompt order; 0 = all. */
  limit: number;
}

interface Checkpointing {
  everySteps: number;
  everySeconds: number;
}

interface BaselineSettings {
  name: string;
  /** `labels`: of the bootstrap. `preferences`: of its file. `initial-policy`: scored answers of π_0. */
  pairs: "labels" | "preferences" | "initial-policy";
  /** Pairs that it trains on. */
  count: number;
  learningRate: number;
}

export interface CompiledSpec {
  schema: "ratchet.spec/1";
  name: string;
  seed: number;
  /** Tree digest of the given policy: π_0, or the start of SFT. */
  policy: { tree: Digest };
  prompts: {
    /** iterations × perIteration rows, iteration 1 first. */
    iterations: Rows;
    perIteration: number;
    validation: Rows;
    test: Rows;
    /** Prompts whose answers by π_0 the bootstrap's labelers compare. */
    bootstrap?: Rows;
    /**
     * Number of prompts that two sets share, by `first/second`. Compiling refuses sets that must not share
     * any.
     */
    overlaps: Record<string, number>;
  };
  bootstrap: {
    /** `assistantOnly`: loss only on tokens inside the chat template's `{% generation %}`. */
    sft?: { data: Rows; optimizer: Optimizer; promptMask: boolean; assistantOnly?: true };
    /** Labels on answers that are sampled from π_0. */
    labels?: LabelSettings & { sample: Sampling };
    /** Pairs of a file, with the dropped rows by reason. */
    preferences?: { data: Rows; dropped: Record<string, number> };
    /** `margin`: the chosen answer's reward should be larger by the row's margin. `centering`: absent = 0. */
    reward?: { optimizer: Optimizer; margin?: true; centering?: number };
    preferenceModel?: { optimizer: Optimizer };
  };
  baselines: BaselineSettings[];
  iterations: number;
  generate: Sampling;
  /**
   * Prompts per piece, pieces per shard, and `wave`, the shards at once. `poison: "drop"`: a piece that
   * crashes its process is dropped; if absent, it fails the campaign.
   */
  pieces: { prompts: number; perShard: number; wave: number; poison?: "drop" };
  /** What generates answers, by the name that workers' settings use. Absent: the worker's own engine. */
  runtimes?: { generate?: string };
  /**
   * `model`: the bootstrap's reward model. `module`: modules.reward. `preference-model`: comparisons of two
   * answers by `model` (a tree digest) or, if absent, by the bootstrap's preference model. `none`: labels are
   * all that the iterations learn from.
   */
  score:
    | { by: "model" | "module" | "none" }
    | { by: "preference-model"; model?: Digest; format: PreferenceFormat };
  /** Of each iteration. Absent: pairs are made of scores. */
  labels?: LabelSettings & { refit?: RefitSettings };
  pair: PairSettings;
  /** `ldAlpha`: absent = 1, all tokens have the same weight. */
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
  /** Absent: `by` raw, `confidence` 0, `alsoAgainst` 0. */
  promote: { threshold: number; by?: "length-controlled"; confidence?: number; alsoAgainst?: number };
  /** Columns and messages' fields that were left out of the rows, by data source. Absent if none were. */
  ignored?: Partial<Record<"prompts" | "sft" | "preferences", string[]>>;
  /** `labelers`, `bootstrapLabelers`: absent if people label. */
  modules: Partial<Record<StageModule, ModuleBlob>>;
  /** `answer`: absent, the queue of `generate`. `reference`: absent, that of `score`. */
  queues: {
    generate: string;
    score: string;
    train: string;
    evaluate: string;
    answer?: string;
    reference?: string;
  };
}
