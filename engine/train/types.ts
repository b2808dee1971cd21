// What training takes and gives.
import type { Sequence } from "../model/encode.ts";
import type { Adapter } from "../model/lora.ts";
import type { Checkpoint, WeightTensor } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";

export type TrainTask =
  /** promptMask: the loss is on the answer only. */
  { kind: "sft"; promptMask: boolean } | { kind: "reward" } | { kind: "dpo"; beta: number };

export interface PairRow {
  chosen: Sequence;
  rejected: Sequence;
}

/** sft: sequences; reward and dpo: pairs. */
export type TrainRow = Sequence | PairRow;

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
  /** dpo: summed log-probabilities of every answer under the reference, chosen and rejected of each row in turn. */
  referenceLogps: number[];
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
  start: Checkpoint;
  /** Learns in place of the weights of `start`, which stay. */
  adapter?: Adapter;
  /** dpo only, and not needed on resuming; with an adapter it is `start` where absent. */
  reference?: Checkpoint;
  rows: readonly TrainRow[];
  optimizer: OptimizerSettings;
  threads: number;
  resume?: TrainerState;
  /** Training stops between two steps, after a last checkpoint, and throws the signal's reason. */
  signal?: AbortSignal;
  onStep?: (progress: StepProgress) => void;
  checkpoint?: {
    /** 0 = never for this reason. */
    everySteps: number;
    everySeconds: number;
    /** The state is the caller's to keep. */
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
