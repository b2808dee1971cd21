// The options of a training, their checks, and its result.
import { RatchetError } from "../../errors/index.ts";
import { isRewardModel } from "../model/families.ts";
import type { Adapter } from "../model/lora.ts";
import type { Checkpoint, ModelConfig } from "../model/types.ts";
import type { OptimizerSettings } from "../optim/settings.ts";
import { propertiesOf } from "./graphs.ts";
import type { SessionPool } from "./session-pool.ts";
import type { ReferenceLogps, Source, StepRecord, TrainerState, TrainRow, TrainTask } from "./types.ts";

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
  /** If given, it is trained and the weights of `start` do not change. */
  adapter?: Adapter | undefined;
  /**
   * Required if the loss uses a reference and there is no adapter. Loaded before step 1 only. If it is the
   * same object as `start`, it is loaded once. With an adapter the default is `start`.
   */
  reference?: Source<Checkpoint> | undefined;
  /**
   * Log-probabilities under the same reference. They are used if they belong to this training's answers, else
   * computed.
   */
  referenceLogps?: ReferenceLogps | undefined;
  /** Called before step 1 if log-probabilities had to be computed. */
  onReference?: ((computed: ReferenceLogps) => void) | undefined;
  /** Called after each batch of the reference's answers. */
  onReferenceBatch?: (done: number, total: number) => void;
  rows: readonly TrainRow[];
  optimizer: OptimizerSettings;
  threads: number;
  /**
   * Sessions and threads shared with earlier and later trainings. If absent, this training has its own and
   * closes them.
   */
  pool?: SessionPool;
  resume?: Source<TrainerState> | undefined;
  /** When aborted, training saves a last checkpoint between two steps and throws the signal's reason. */
  signal?: AbortSignal;
  onStep?: (progress: StepProgress) => void;
  checkpoint?: {
    /** 0 = the number of steps never causes a save. */
    everySteps: number;
    /** 0 = the time never causes a save. */
    everySeconds: number;
    /**
     * Largest share of the time that saving may take, in (0, 1]. A save that would exceed it is postponed.
     * Default 1.
     */
    costMax?: number;
    /**
     * The state's arrays are the ones that training changes: copy them to keep the state after the promise
     * resolves.
     */
    save: (state: TrainerState) => Promise<void> | void;
  };
}

export interface TrainResult {
  /** With an adapter: the merged model. */
  checkpoint: Checkpoint;
  adapter?: Adapter;
  steps: number;
  curve: StepRecord[];
  /** Means over the last tenth of the steps. */
  metrics: Record<string, number>;
  /** Number of rows that were left out, by reason. */
  dropped: Record<string, number>;
  /** Number of rows that lost their end. */
  cut: number;
}

/** Throws if the options contradict each other or the model that training starts from. */
export function checkOptions({ task, optimizer, adapter }: TrainOptions, start: ModelConfig): void {
  if (adapter && task.kind === "reward")
    throw new RatchetError(
      "spec_unsupported",
      "training of kind reward has a new head, which an adapter does not hold",
    );
  if (isRewardModel(start) !== (task.kind === "reward")) {
    const wanted = task.kind === "reward" ? "reward model" : "policy";
    throw new RatchetError(
      "spec_unsupported",
      `training of kind ${task.kind} starts from a ${wanted}, not from ${start.architecture}`,
    );
  }
  if (optimizer.maxLength > start.maxPositions) {
    throw new RatchetError(
      "spec_invalid",
      `maxLength ${optimizer.maxLength} exceeds the ${start.maxPositions} positions of the model`,
    );
  }
  const { batch, microBatch = batch } = optimizer;
  if (microBatch < batch && propertiesOf(task).wholeBatch) {
    throw new RatchetError(
      "spec_unsupported",
      `microBatch ${microBatch} splits batch ${batch}, but the ${task.kind} loss compares all its rows`,
      { hint: "leave microBatch out, or choose a smaller batch" },
    );
  }
  if (task.kind === "reward" && optimizer.truncation)
    throw new RatchetError(
      "spec_invalid",
      `truncation ${optimizer.truncation} cuts off the token at which a reward is read`,
    );
}
