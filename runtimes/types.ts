/* oxlint-disable max-lines -- the whole contract between activities and a runtime */
// The interfaces between activities and a runtime, one per kind of work. A runtime declares properties; no
// code asks for its name. A model is a local folder in Hugging Face layout, which the worker's cache
// downloaded, with its digest.
import type { Finish } from "../campaign/spec/modules.ts";
import type { KtoSettings, PreferenceTerm } from "../engine/loss/index.ts";
import type { ReferenceLogps } from "../engine/train/types.ts";
import type { Lora } from "../campaign/spec/compiled.ts";

export type { ReferenceLogps };

export interface LocalModel {
  digest: string;
  dir: string;
}

export interface Progress {
  done: number;
  total: number;
  /** The unit of `done`: `completions`, `rows`, `steps`. */
  unit: string;
  /**
   * Share of the whole call that is done, if parts of it are counted in other units. Absent: done / total.
   */
  fraction?: number;
  /** Latest values, such as loss or tokens per second. */
  values?: Record<string, number>;
}

export interface WorkContext {
  /** Aborted on cancellation and on drain. The work stops at the next safe point. */
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** Called while the work is queued, whenever the work before it makes progress. */
  onWaiting?: (() => void) | undefined;
  /** A model was loaded for the work, because the runtime did not hold it. */
  onModelLoaded?: (() => void) | undefined;
}

export interface Message {
  role: string;
  content: string;
}

/**
 * `prompt` is plain text and never templated (TRL's "standard" format). `messages` is rendered by the chat
 * template.
 */
export interface Prompt {
  id: string;
  prompt?: string;
  messages?: Message[];
}

/** One row of completions.jsonl. */
export interface Completion {
  promptId: string;
  /** Sample index within the group. */
  index: number;
  /** Cut before a stop string. */
  text: string;
  /** All drawn token ids, including the end-of-sequence token and those of a stop string. */
  ids: number[];
  /** Natural log-probability of each id under the untempered policy. */
  logps: number[];
  finish: Finish;
  temperature: number;
  /** 16 hex digits. */
  seed: string;
}

export interface SampleRequest {
  prompt: Prompt;
  index: number;
  temperature: number;
  seed: string;
}

export interface SamplingSettings {
  maxTokens: number;
  /** 0 = off. */
  topK: number;
  /** 1 = off. */
  topP: number;
  /** 0 = off. */
  minP: number;
  /** Texts and token ids that end an answer, in addition to the model's. */
  stop: (string | number)[];
}

export interface Generator {
  /** Whether equal requests give equal bytes. If not, stored completions are never generated again. */
  readonly deterministic: boolean;
  /**
   * If deterministic, the whole list is one batch: results depend on all its requests, and on nothing else.
   * Otherwise the runtime batches by itself, and the list is only what is committed together.
   */
  generate(
    policy: LocalModel,
    requests: SampleRequest[],
    settings: SamplingSettings,
    context: WorkContext,
  ): Promise<Completion[]>;
  /** Of the runtime that generated last, for the facts of manifests. */
  facts?(): Record<string, unknown>;
}

export interface AnswerRow {
  prompt: Prompt;
  /** The answer's token ids, if it was generated here. */
  ids?: number[];
  text: string;
  finish?: Finish;
}

export interface ChoiceRow {
  prompt: Prompt;
  /** Different texts that are one token each after the prompt. */
  choices: string[];
}

export interface Scorer {
  /** One reward per row, read at the last token. The whole list is one batch. */
  rewards(model: LocalModel, rows: AnswerRow[], context: WorkContext): Promise<number[]>;
  /** Summed natural log-probability of each answer under `model`. */
  logps(model: LocalModel, rows: AnswerRow[], context: WorkContext): Promise<number[]>;
  /** ln of the probability of each choice's token as the next token after the prompt. */
  choices(model: LocalModel, rows: ChoiceRow[], context: WorkContext): Promise<number[][]>;
}

export interface OptimizerSettings {
  learningRate: number;
  betas: [number, number];
  epsilon: number;
  weightDecay: number;
  /** Largest global gradient norm; 0 = no clipping. */
  clip: number;
  schedule: "constant" | "linear" | "cosine";
  /** Share of all steps spent warming up. */
  warmup: number;
  epochs: number;
  /** Rows (pairs for reward and dpo) per optimizer step. */
  batch: number;
  /** Rows of a batch that are computed at once. If absent, it follows from the model and maxLength. */
  microBatch?: number;
  /** Seed of the shuffle of rows in each epoch. */
  seed: string;
  /** Longest row in tokens, prompt and answer. */
  maxLength: number;
  /** Longer rows lose their end. If absent, they are left out. sft and dpo only. */
  truncation?: "keep_start";
}

export type TrainTask =
  /**
   * promptMask: no loss on the prompt. assistantOnly: loss only on the text inside the chat template's `{%
   * generation %}`.
   */
  | { kind: "sft"; promptMask: boolean; assistantOnly?: true }
  /** margin: every row has one. centering: 0 if absent. */
  | { kind: "reward"; margin?: true; centering?: number }
  /**
   * losses: sigmoid if absent. ldAlpha: weight of the tokens beyond the length of the pair's shorter answer;
   * 1 if absent.
   */
  | { kind: "dpo"; beta: number; losses?: PreferenceTerm[]; ldAlpha?: number }
  | ({ kind: "kto" } & KtoSettings);

/**
 * Rows are JSON Lines on local disk, in TRL's columns.
 * - sft: {prompt|messages, completion}, {text} or {messages}
 * - reward and dpo: {prompt|messages, chosen, rejected, chosen_ids?, rejected_ids?, margin?}, or
 *   {chosen, rejected} that begin with their prompt
 * - kto: {prompt|messages, completion, label}, or pairs, which count as a desirable and an undesirable answer
 */
export interface TrainRequest {
  task: TrainTask;
  start: LocalModel;
  /** dpo and kto, if the loss uses it. */
  reference?: LocalModel;
  /**
   * Log-probabilities from another training with the same reference. They are used if they belong to the same
   * answers, else computed.
   */
  referenceLogps?: ReferenceLogps;
  /**
   * dpo only: trains an adapter on `start`. outDir receives the merged model, and its subfolder `adapter/`
   * the adapter.
   */
  lora?: Lora;
  rowsPath: string;
  optimizer: OptimizerSettings;
  /** Folder of a checkpoint to resume from. */
  resumeDir?: string;
  /** Folder that receives the finished model in Hugging Face layout. */
  outDir: string;
  /** Folder under which checkpoints are made, one subfolder per step. */
  checkpointDir: string;
  checkpoint: { everySteps: number; everySeconds: number };
}

export interface TrainHooks extends WorkContext {
  /** A checkpoint is complete in `dir`. Training continues while it is uploaded. */
  onCheckpoint(checkpoint: { step: number; dir: string }): void;
  /** Called if log-probabilities under the reference had to be computed. */
  onReference?(computed: ReferenceLogps): void;
}

export interface TrainOutcome {
  steps: number;
  /** Number of rows that were left out, by reason. */
  dropped: Record<string, number>;
  /** Number of rows that lost their end to `maxLength`. */
  cut: number;
  /** Number of rows in which, encoded as a whole, a token would hold characters of both prompt and answer. */
  merged: number;
  /** Means over the last tenth of the steps. */
  metrics: Record<string, number>;
  /** One entry per step from 1 on, also for a resumed run. */
  curve: Record<string, number>[];
}

export interface Trainer {
  train(request: TrainRequest, hooks: TrainHooks): Promise<TrainOutcome>;
}
