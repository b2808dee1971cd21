// What a training is asked, tells while it runs, and gives.
import type { Adapter } from "../model/lora.ts";
import type { Checkpoint } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import type { ReferenceLogps, Source, StepRecord, TrainerState, TrainRow, TrainTask } from "./types.ts";
import type { Workshop } from "./workshop.ts";

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
