// A model in memory: the numbers of its configuration and its named weights. Weight names are Hugging Face's
// (`model.layers.0.self_attn.q_proj.weight`); matrices are [out, in] as there.

import type { Architecture } from "./families.ts";

export type { Architecture };

/**
 * Slower rotation for contexts longer than in pretraining. The names are those of Hugging Face's `rope_type`.
 */
export type RopeScaling =
  | { type: "linear"; factor: number }
  /**
   * Llama 3.1: wavelengths above originalPositions / lowFrequencyFactor are stretched, those below
   * originalPositions / highFrequencyFactor are not.
   */
  | {
      type: "llama3";
      factor: number;
      lowFrequencyFactor: number;
      highFrequencyFactor: number;
      originalPositions: number;
    };

export interface ModelConfig {
  architecture: Architecture;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  /** Key and value heads; divides `heads`. */
  kvHeads: number;
  /** Width of one head; not always hiddenSize / heads. */
  headSize: number;
  /** Largest number of positions of a sequence. */
  maxPositions: number;
  ropeTheta: number;
  /** Absent = none. */
  ropeScaling?: RopeScaling;
  rmsEpsilon: number;
  /** Switches that some families have (families.ts); absent = off. */
  attentionBias?: boolean;
  mlpBias?: boolean;
  /** The output head is the embedding matrix; `lm_head.weight` is then absent. */
  tiedEmbeddings: boolean;
  bosId?: number;
  /** Every id that ends a sequence; the first is appended to training answers. */
  eosIds: number[];
  padId?: number;
}

export interface WeightTensor {
  shape: number[];
  data: Float32Array;
}

export interface Checkpoint {
  config: ModelConfig;
  weights: Map<string, WeightTensor>;
}
