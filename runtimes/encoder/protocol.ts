// The messages between an encoder and its child (host/inside-limited-child.mjs), in structured clone. The
// child answers `open` once and every other request with one answer per row, so the parent knows the row that
// takes long.
import type { ModelConfig } from "../../engine/model/index.ts";
import type { ChatMessage } from "../../engine/tokenizer/chat.ts";
import type { PromptText } from "../../engine/tokenizer/tokenizer.ts";
import type { ErrorParts } from "../onnx/protocol.ts";
import type { TrainTask } from "../types.ts";

export interface LengthLimit {
  maxLength: number;
  truncation?: "keep_start" | undefined;
}

/** A training row of a file, as JSON. */
export interface TrainText {
  file: string;
  line: number;
  text: string;
}

/** Token ids are given, or encoded from the text. */
export interface CompletionText {
  prompt: PromptText;
  completion?: string | ChatMessage[] | undefined;
  completionIds?: number[] | undefined;
}

export interface CompletionIds {
  promptIds: number[];
  completionIds: number[];
}

/** What training does with the sequences of a row: it uses, cuts or leaves them out, by reason. */
export interface RowUse {
  used: number;
  cut: number;
  dropped: Record<string, number>;
}

/** `closing`: the largest number of tokens that the template writes behind a sampled answer. */
export interface PromptLength {
  tokens: number;
  closing: number;
}

/** A prompt to sample from. `ends`: the ids that end an answer to it. */
export interface SamplingPrompt {
  promptIds: number[];
  ends: number[];
}

/** Token ids that another engine sampled. */
export interface SampledAnswer extends SamplingPrompt {
  ids: number[];
}

/**
 * The answer's text, cut before a stop text; a stop id's own text stays, as in our engine. `shown`: without
 * that too, as vLLM gives it. `finish`: absent if nothing in its ids ends it. `early`: a stop text is
 * complete before the last id.
 */
export interface SampledText {
  text: string;
  shown: string;
  finish?: "eos" | "stop" | undefined;
  early: boolean;
}

/** The kinds of rows: what a request has beside them, and the answer to one of them. */
export interface RowKinds {
  prompts: { row: PromptText; more: object; answer: PromptLength };
  training: { row: TrainText; more: { task: TrainTask; limit: LengthLimit }; answer: RowUse };
  completions: { row: CompletionText; more: object; answer: CompletionIds };
  sampling: { row: PromptText; more: object; answer: SamplingPrompt };
  sampled: { row: SampledAnswer; more: { stop: (string | number)[] }; answer: SampledText };
}

export type RowKind = keyof RowKinds;

export type Request =
  | { kind: "open"; dir: string; config: ModelConfig }
  | { [K in RowKind]: { kind: K; rows: RowKinds[K]["row"][] } & RowKinds[K]["more"] }[RowKind];

export type Answer<K extends RowKind = RowKind> = { value: RowKinds[K]["answer"] } | { error: ErrorParts };
export type Opened = { opened: true } | { error: ErrorParts };
