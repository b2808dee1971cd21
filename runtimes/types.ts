// What an activity computes with. One interface per kind of work; a runtime declares properties, nobody switches on its name.
// Models are given as local folders in Hugging Face layout (the worker's cache put them there) with the digest that names them.
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
  /** What is counted: `completions`, `rows`, `steps`. */
  unit: string;
  /** Last values worth showing, e.g. loss or tokens per second. */
  values?: Record<string, number>;
}

export interface WorkContext {
  /** Aborted on cancellation and on drain: stop at the next safe point. */
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  /** Called while the work waits for its turn, as often as what it waits for goes on. */
  onWaiting?: (() => void) | undefined;
}

export interface Message {
  role: string;
  content: string;
}

/** `prompt` is plain text, never templated (TRL's "standard" format); `messages` goes through the chat template. */
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
  /** Token ids of the answer: all that were drawn, so the end-of-sequence token and a stop string's too. */
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
  /** Texts and token ids that end an answer, besides the model's own. */
  stop: (string | number)[];
}

export interface Generator {
  /** True when equal requests give equal bytes; completions of other runtimes are kept, never made again. */
  readonly deterministic: boolean;
  /** The whole list is one batch: results may depend on its composition, never on anything else. */
  generate(
    policy: LocalModel,
    requests: SampleRequest[],
    settings: SamplingSettings,
    context: WorkContext,
  ): Promise<Completion[]>;
}

export interface AnswerRow {
  prompt: Prompt;
  /** Answer as token ids when it was sampled by us, else as text. */
  ids?: number[];
  text: string;
}

export interface ChoiceRow {
  prompt: Prompt;
  /** Texts of one token each behind the prompt, all different. */
  choices: string[];
}

export interface Scorer {
  /** One scalar reward per row, read at the last real token. The whole list is one batch. */
  rewards(model: LocalModel, rows: AnswerRow[], context: WorkContext): Promise<number[]>;
  /** Summed natural log-probability of each answer under `model`. */
  logps(model: LocalModel, rows: AnswerRow[], context: WorkContext): Promise<number[]>;
  /** ln of the probability that `model` goes on from each prompt with the token of each choice. */
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
  /** Rows of a batch computed at once; where absent it follows from the model and maxLength. */
  microBatch?: number;
  /** Seed of the shuffle of rows in each epoch. */
  seed: string;
  /** Longest row in tokens, prompt and answer. */
  maxLength: number;
  /** Longer rows lose their end; where absent they are left out. sft and dpo only. */
  truncation?: "keep_start";
}

export type TrainTask =
  /** promptMask: no loss on the prompt; assistantOnly: none on what the chat template's `{% generation %}` leaves out. */
  | { kind: "sft"; promptMask: boolean; assistantOnly?: true }
  /** margin: every row has one. centering: 0 where absent. */
  | { kind: "reward"; margin?: true; centering?: number }
  /** losses: sigmoid where absent. ldAlpha: what a token beyond the length of the pair's shorter answer counts; 1 where absent. */
  | { kind: "dpo"; beta: number; losses?: PreferenceTerm[]; ldAlpha?: number }
  | ({ kind: "kto" } & KtoSettings);

/**
 * Rows are JSON Lines on local disk, in TRL's columns. sft: {prompt|messages, completion}, {text} or {messages}; reward and dpo:
 * {prompt|messages, chosen, rejected, chosen_ids?, rejected_ids?, margin?}, or {chosen, rejected} that begin with their prompt; kto: the
 * same, a row of which is a desirable and an undesirable answer, or {prompt|messages, completion, label}.
 */
export interface TrainRequest {
  task: TrainTask;
  start: LocalModel;
  /** dpo and kto, where a loss uses it. */
  reference?: LocalModel;
  /** What another training told of the same reference; where it is of other answers it is computed, as without. */
  referenceLogps?: ReferenceLogps;
  /** dpo only: an adapter on `start` learns, and outDir holds the merged model with the adapter in `adapter/`. */
  lora?: Lora;
  rowsPath: string;
  optimizer: OptimizerSettings;
  /** Folder of an earlier checkpoint to go on from. */
  resumeDir?: string;
  /** Folder that receives the finished model in Hugging Face layout. */
  outDir: string;
  /** Folder under which checkpoints are made, one subfolder per step. */
  checkpointDir: string;
  checkpoint: { everySteps: number; everySeconds: number };
}

export interface TrainHooks extends WorkContext {
  /** A checkpoint lies complete in `dir`; training goes on while it is uploaded. */
  onCheckpoint(checkpoint: { step: number; dir: string }): void;
  /** Log-probabilities under the reference had to be computed. */
  onReference?(computed: ReferenceLogps): void;
}

export interface TrainOutcome {
  steps: number;
  /** Rows dropped because they did not fit, by reason. */
  dropped: Record<string, number>;
  /** Rows that lost their end to `maxLength`. */
  cut: number;
  /** Rows of which a token would have held characters of both prompt and answer, had both been encoded at once. */
  merged: number;
  /** Means over the last tenth of the steps. */
  metrics: Record<string, number>;
  /** One entry per step from 1 on, whole run (a resumed run carries the earlier ones in its checkpoint). */
  curve: Record<string, number>[];
}

export interface Trainer {
  train(request: TrainRequest, hooks: TrainHooks): Promise<TrainOutcome>;
}
