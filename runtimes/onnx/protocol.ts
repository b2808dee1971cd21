// What the runtime and its children say to each other over Node's IPC channel (structured clone). One call at a time per child.
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

/** Methods that a child serves: arguments and result. */
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
  | { type: "checkpoint"; checkpoint: { step: number; dir: string } }
  | { type: "reference"; computed: ReferenceLogps }
  | { type: "result"; value: Methods[Method]["result"] }
  | { type: "error"; error: ErrorParts }
  /** The call stopped at a safe point because it was told to. */
  | { type: "stopped" };
