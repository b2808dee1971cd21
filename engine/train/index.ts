export { train } from "./train.ts";
export { readTrainerState, writeTrainerState } from "./state.ts";
export { Workshop } from "./workshop.ts";
export type { LabelledRow, PairRow, ReferenceLogps, StepProgress, StepRecord, TrainerState, TrainOptions, TrainResult, TrainRow, TrainTask } from "./types.ts";
