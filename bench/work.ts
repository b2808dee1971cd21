// The work of a row as its runners are told it, in JSON: the same object for Ratchet and for every peer.
import type { OptimizerSettings } from "../engine/index.ts";

export interface DpoStepWork {
  kind: "dpo-step";
  model: string;
  /** JSON Lines {chosen, rejected, promptLength}: ids of one length. */
  rows: string;
  beta: number;
  optimizer: OptimizerSettings;
  /** Timed steps of a sample. */
  steps: number;
  checkSteps: number;
}

export interface EpochWork {
  kind: "epoch";
  task: "dpo" | "reward" | "sft";
  model: string;
  /** JSON Lines in TRL's columns. */
  rows: string;
  rowCount: number;
  /** One batch of rows, for `checkSteps` steps whose losses must agree. */
  probe: string;
  checkSteps: number;
  beta: number;
  optimizer: OptimizerSettings;
  /** Folder that receives the trained model; removed after each sample. */
  out: string;
}

export interface GenerateWork {
  kind: "decode" | "sampling";
  model: string;
  prompts: string[];
  samples: number;
  maxTokens: number;
  /** Prompts per call of Ratchet's generator, as a campaign's pieces are; of a decode everybody's batch. */
  piece: number;
  /** Ids whose log-probabilities must agree. */
  probe: number[];
}

/** A completion to score: prompt as text and as ids, answer as the ids that were sampled. */
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
  /** Rows from the first on that variants are compared by. */
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

/** What a runner answers to the start of a work. */
export interface Started {
  /** Numbers that all runners must agree on: losses, log-probabilities, rewards. */
  facts: number[];
  /** Ways to do the work, e.g. batch sizes; the fastest is measured. */
  variants: string[];
}

export interface Sample {
  seconds: number;
  /** Units of work done in that time. */
  amount: number;
  parts?: Record<string, number>;
  /** Floating-point operations per second of a large product just before, by a peer that can tell. */
  matmulFlops?: number;
  [more: string]: unknown;
}
