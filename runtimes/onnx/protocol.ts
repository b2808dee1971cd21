// The messages between the runtime and its children over Node's IPC channel (structured clone). A child
// serves one call at a time.
import type {
  AnswerRow,
  ChoiceRow,
  Completion,
  LocalModel,
  Progress,
  ReferenceLogps,
  SampleRequest,
  SamplingSettings,
  TrainOutcome,
  TrainRequest,
} from "../types.ts";

/** Number of models that a child keeps loaded: policy, reference and reward model. */
export const MODELS_CACHED = 3;

/** A child's methods: arguments and result. */
export interface Methods {
  generate: {
    args: { policy: LocalModel; requests: SampleRequest[]; settings: SamplingSettings };
    result: Completion[];
  };
  rewards: { args: { model: LocalModel; rows: AnswerRow[] }; result: number[] };
  logps: { args: { model: LocalModel; rows: AnswerRow[] }; result: number[] };
  choices: { args: { model: LocalModel; rows: ChoiceRow[] }; result: number[][] };
  train: { args: TrainRequest; result: TrainOutcome };
}

export type Method = keyof Methods;

export type Call = { [M in Method]: { method: M; args: Methods[M]["args"] } }[Method];

export type ToChild = { type: "call"; call: Call } | { type: "abort" };

export interface ErrorParts {
  name: string;
  message: string;
  stack?: string | undefined;
  kind?: string | undefined;
  code?: string | undefined;
  hint?: string | undefined;
}

export type FromChild =
  | { type: "progress"; progress: Progress }
  /** A model was read, because it was not among those that are kept. */
  | { type: "loaded" }
  | { type: "checkpoint"; checkpoint: { step: number; dir: string } }
  | { type: "reference"; computed: ReferenceLogps }
  /** The row that the child encodes now; absent when it has encoded all. */
  | { type: "encoding"; row?: string | undefined }
  | { type: "result"; value: Methods[Method]["result"] }
  | { type: "error"; error: ErrorParts }
  /** The call stopped at a safe point after `abort`. */
  | { type: "stopped" };
