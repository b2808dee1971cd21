export type { Architecture, Checkpoint, ModelConfig, WeightTensor } from "./types.ts";
export { packWeights, parametersOf, unpackWeights } from "./parameters.ts";
export type { Parameter } from "./parameters.ts";
export { rotaryTables } from "./rotary.ts";
export { declareParameters, declareSelection, declareSequences, feedForward, headOf, logits, rewards } from "./llama.ts";
export type { KeysValues, Parameters, Selection, SequenceInputs } from "./llama.ts";
export { encodeForLogps, encodeForRewards } from "./encode.ts";
export type { Encoded, Sequence } from "./encode.ts";
export { initCheckpoint, rewardModelFrom } from "./init.ts";
