// The task, the rows and the state of a training. The options and the result of `train` are in options.ts.
import type { KtoSettings, PreferenceTerm } from "../loss/index.ts";
import type { Sequence } from "../model/encode.ts";
import type { WeightTensor } from "../model/types.ts";

export type TrainTask =
  /** promptMask: the loss is on the answer only. */
  | { kind: "sft"; promptMask: boolean }
  /** margin: every pair has one. centering: 0 if absent. */
  | { kind: "reward"; margin?: boolean; centering?: number }
  /**
   * losses: sigmoid if absent. ldAlpha: weight of the tokens beyond the length of the pair's shorter answer;
   * 1 if absent.
   */
  | { kind: "dpo"; beta: number; losses?: readonly PreferenceTerm[]; ldAlpha?: number }
  | ({ kind: "kto" } & KtoSettings);

export interface PairRow {
  chosen: Sequence;
  rejected: Sequence;
  /** By how much the chosen answer's reward should be larger. */
  margin?: number;
}

/** One answer with its own label. */
export interface LabelledRow extends Sequence {
  desirable: boolean;
}

/** sft: sequences; reward and dpo: pairs; kto: labelled answers. */
export type TrainRow = Sequence | PairRow | LabelledRow;

/**
 * A value, or a function that loads it. A loaded value is released once it is copied: a model and its moments
 * take gigabytes.
 */
export type Source<T> = T | (() => Promise<T>);

/**
 * The values of one step under TRL's names, and `step`. It holds no times, because a curve is part of a
 * reproducible record.
 */
export type StepRecord = Record<string, number>;

/** All that training needs to resume after `step` with the same bits. */
export interface TrainerState {
  step: number;
  /**
   * Digest of task, settings, model configuration and rows. A training resumes only a state with its own
   * identity.
   */
  identity: string;
  /** The trained weights; with an adapter, the adapter's. */
  weights: Map<string, WeightTensor>;
  firstMoments: Map<string, WeightTensor>;
  secondMoments: Map<string, WeightTensor>;
  /** One entry per step from 1 to `step`. */
  curve: StepRecord[];
  /**
   * Summed log-probabilities of every answer under the reference. dpo: for each row, chosen then rejected.
   * kto: for each row of each step, its own answer then the mismatched one.
   */
  referenceLogps: number[];
}

/**
 * Log-probabilities under a reference, computed by one training and reused by others that have the same
 * answers.
 */
export interface ReferenceLogps {
  /** Digest of everything that decides them but the reference itself. */
  of: string;
  /** In the order of `TrainerState.referenceLogps`. */
  logps: number[];
}
