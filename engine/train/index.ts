export { train } from "./train.ts";
export { readTrainerState, writeTrainerState } from "./state.ts";
export { referenceLogps } from "./reference.ts";
export { logpsGraph } from "./graphs.ts";
export type { PairRow, StepProgress, StepRecord, TrainerState, TrainOptions, TrainResult, TrainRow, TrainTask } from "./types.ts";
