// The work of a row as JSON: Ratchet and every peer get the same object.
import type { OptimizerSettings } from "../engine/index.ts";

export interface DpoStepWork {
  kind: "dpo-step";
  model: string;
  /** JSON Lines {chosen, rejected, promptLength}; all answers have the same number of ids. */
  rows: string;
  beta: number;
  optimizer: OptimizerSettings;
  /** Timed steps per sample. */
  steps: number;
  checkSteps: number;
}

export interface EpochWork {
  kind: "epoch";
  task: "dpo" | "reward" | "sft";
  model: string;
  /** JSON Lines with TRL's columns. */
  rows: string;
  rowCount: number;
  /** One batch of rows; the losses of `checkSteps` steps on it must agree. */
  probe: string;
  checkSteps: number;
  beta: number;
  optimizer: OptimizerSettings;
  /** Folder for the trained model; removed after each sample. */
  out: string;
}

export interface GenerateWork {
  kind: "decode" | "sampling";
  model: string;
  prompts: string[];
  samples: number;
  maxTokens: number;
  /**
   * sampling: prompts per call of Ratchet's generator, like a campaign's piece; decode: batch size of all
   * runners.
   */
  piece: number;
  /** Ids whose log-probabilities must agree. */
  probe: number[];
}

/** A completion to score: the prompt as text and ids, the answer as sampled ids. */
export interface ScoreRow {
  prompt: string;
  prompt_ids: number[];
  ids: number[];
}

export interface ScoreWork {
  kind: "score";
  /** A reward model. */
  model: string;
  /** JSON Lines of ScoreRow. */
  rows: string;
  /** Rewards of the first rows must agree. */
  checkRows: number;
  /** Trials use this many rows, from the first on. */
  trialRows: number;
}

export interface IterationWork {
  kind: "iteration";
  policy: string;
  reward: string;
  prompts: string[];
  validation: string[];
  samples: number;
  validationSamples: number;
  maxTokens: number;
  piece: number;
  beta: number;
  optimizer: OptimizerSettings;
  out: string;
}

export type Work = DpoStepWork | EpochWork | GenerateWork | ScoreWork | IterationWork;

/** A runner's answer to the start of a work. */
export interface Started {
  /** Numbers that all runners must agree on: losses, log-probabilities, rewards. */
  facts: number[];
  /** Ways to do the work, such as batch sizes; the fastest is measured. */
  variants: string[];
}

export interface Sample {
  seconds: number;
  /** Units of work done in that time. */
  amount: number;
  parts?: Record<string, number>;
  /**
   * Floating-point operations per second of a large product, measured just before the sample by some peers.
   */
  matmulFlops?: number;
  [more: string]: unknown;
}
