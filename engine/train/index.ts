export { train } from "./train.ts";
export { readTrainerState, writeTrainerState } from "./state.ts";
export { Workshop } from "./workshop.ts";
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
