// What is trained on, and what is kept of it. What a training is asked: options.ts.
import type { KtoSettings, PreferenceTerm } from "../loss/index.ts";
import type { Sequence } from "../model/encode.ts";
import type { WeightTensor } from "../model/types.ts";

export type TrainTask =
  /** promptMask: the loss is on the answer only. */
  | { kind: "sft"; promptMask: boolean }
  /** margin: every pair has one. centering: 0 where absent. */
  | { kind: "reward"; margin?: boolean; centering?: number }
  /** losses: sigmoid where absent. ldAlpha: what a token beyond the length of the pair's shorter answer counts; 1 where absent. */
  | { kind: "dpo"; beta: number; losses?: readonly PreferenceTerm[]; ldAlpha?: number }
  | ({ kind: "kto" } & KtoSettings);

export interface PairRow {
  chosen: Sequence;
  rejected: Sequence;
  /** By how much the chosen answer's reward should be larger. */
  margin?: number;
}

/** An answer with a label of its own. */
export interface LabelledRow extends Sequence {
  desirable: boolean;
}

/** A value, or how it is read. What is read is let go once it has been copied: a model and its moments take gigabytes. */
export type Source<T> = T | (() => Promise<T>);

/** sft: sequences; reward and dpo: pairs; kto: labelled ones. */
export type TrainRow = Sequence | PairRow | LabelledRow;

/** The values of one step by TRL's names, and `step`. No times: a curve is part of a reproducible record. */
export type StepRecord = Record<string, number>;

/** Everything that training needs to go on after `step` as if it had never stopped. */
export interface TrainerState {
  step: number;
  /** Digest of task, settings, model configuration and rows; a state goes on with the same ones only. */
  identity: string;
  /** Those that learn: the adapter's where there is one. */
  weights: Map<string, WeightTensor>;
  firstMoments: Map<string, WeightTensor>;
  secondMoments: Map<string, WeightTensor>;
  /** One entry per step from 1 to `step`. */
  curve: StepRecord[];
  /**
   * Summed log-probabilities of every answer under the reference. dpo: chosen and rejected of each row in turn. kto: of each row of each step
   * in turn, its own answer and the mismatched one.
   */
  referenceLogps: number[];
}

/** What one training computed of its reference, for others on the same answers. */
export interface ReferenceLogps {
  /** Digest of all that decides them but the reference itself. */
  of: string;
  /** As in a TrainerState. */
  logps: number[];
}
