export { train } from "./train.ts";
export { readTrainerState, writeTrainerState } from "./trainer-state.ts";
export { SessionPool } from "./session-pool.ts";
export type { StepProgress, TrainOptions, TrainResult } from "./options.ts";
export type {
  LabelledRow,
  PairRow,
  ReferenceLogps,
  StepRecord,
  TrainerState,
  TrainRow,
  TrainTask,
} from "./types.ts";
