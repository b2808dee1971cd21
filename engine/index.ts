// The engine as a package: Llama-family models read, written, trained, sampled and scored with standard ONNX
// graphs on onnxruntime. It knows nothing of campaigns, stores or processes; everything durable goes out
// through the caller's hooks.
export { RatchetError } from "../errors/index.ts";
export { readCheckpoint, readConfig, tokenizerFiles, writeCheckpoint } from "./checkpoint/checkpoint.ts";
export { readAdapter, writeAdapter } from "./checkpoint/adapter.ts";
export { isAdapter, readModel } from "./checkpoint/model.ts";
export type { GivenModel } from "./checkpoint/model.ts";
export { formatConfig, parseConfig } from "./checkpoint/config.ts";
export { readSafetensors, writeSafetensors } from "./checkpoint/safetensors.ts";
export type { WeightType } from "./checkpoint/safetensors.ts";
export { initAdapter, initCheckpoint, loraTargets, mergeAdapter, rewardModelFrom } from "./model/index.ts";
export type {
  Adapter,
  Architecture,
  Checkpoint,
  LoraSettings,
  LoraTarget,
  ModelConfig,
  Sequence,
  WeightTensor,
} from "./model/index.ts";
export { Tokenizer } from "./tokenizer/tokenizer.ts";
export type { PromptText } from "./tokenizer/tokenizer.ts";
export type { ChatMessage } from "./tokenizer/chat.ts";
export { Decoder } from "./decode/decoder.ts";
export type { DecodedRow, DecodeHooks, DecodeRow, DecodeSettings } from "./decode/decoder.ts";
export { SequenceScorer } from "./score/scorer.ts";
export type { ScoreHooks } from "./score/scorer.ts";
export { loadWeights } from "./score/weights.ts";
export type { LoadedWeights } from "./score/weights.ts";
export type { KtoSettings, PreferenceName, PreferenceSettings, PreferenceTerm } from "./loss/index.ts";
export { readTrainerState, train, writeTrainerState } from "./train/index.ts";
export type {
  LabelledRow,
  PairRow,
  ReferenceLogps,
  StepProgress,
  StepRecord,
  TrainerState,
  TrainOptions,
  TrainResult,
  TrainRow,
  TrainTask,
} from "./train/index.ts";
export type { OptimizerSettings } from "./optim/settings.ts";
export type { SessionOptions } from "./graph/index.ts";
export { Random } from "./random.ts";
