// What training takes and gives.
import type { KtoSettings, PreferenceTerm } from "../loss/index.ts";
import type { Sequence } from "../model/encode.ts";
import type { Adapter } from "../model/lora.ts";
import type { Checkpoint, WeightTensor } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import type { Workshop } from "./workshop.ts";

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

export interface StepProgress {
  step: number;
  steps: number;
  /** Tokens of the rows of this step, without padding. */
  tokens: number;
  record: StepRecord;
}

export interface TrainOptions {
  task: TrainTask;
  start: Source<Checkpoint>;
  /** Learns in place of the weights of `start`, which stay. */
  adapter?: Adapter;
  /** Where the task needs one (usesReference), read before step 1 alone; with an adapter it is `start` where absent. What is `start` is not read twice. */
  reference?: Source<Checkpoint>;
  /** Of the same reference: taken where they are of the answers of this training, computed where not. */
  referenceLogps?: ReferenceLogps;
  /** Told of what had to be computed, before step 1. */
  onReference?: (computed: ReferenceLogps) => void;
  /** Batches of the reference's answers that are computed, of how many. */
  onReferenceBatch?: (done: number, total: number) => void;
  rows: readonly TrainRow[];
  optimizer: OptimizerSettings;
  threads: number;
  /** Sessions and threads of the trainings before, kept for those after where they are small (kept.ts) and end well. Absent: this one's own. */
  workshop?: Workshop;
  resume?: Source<TrainerState>;
  /** Training stops between two steps, after a last checkpoint, and throws the signal's reason. */
  signal?: AbortSignal;
  onStep?: (progress: StepProgress) => void;
  checkpoint?: {
    /** 0 = never for this reason. */
    everySteps: number;
    everySeconds: number;
    /** Share of the time that saving may take, in (0, 1]; a save that would go beyond waits for its next turn. Default 1. */
    costMax?: number;
    /** Its arrays are those that are trained: who keeps the state beyond the promise copies them. */
    save: (state: TrainerState) => Promise<void> | void;
  };
}

export interface TrainResult {
  /** With an adapter: merged. */
  checkpoint: Checkpoint;
  adapter?: Adapter;
  steps: number;
  curve: StepRecord[];
  /** Means over the last tenth of the steps. */
  metrics: Record<string, number>;
  /** Rows that were left out, by reason. */
  dropped: Record<string, number>;
  /** Rows that lost their end. */
  cut: number;
}
