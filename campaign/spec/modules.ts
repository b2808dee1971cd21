// Signatures of the user's modules: each is a file whose default export is one of these functions. Bundled at `start`, run in a
// child process that holds its own role's blob only. Rows come in batches; the answer has one entry per row, in order.
import type { Digest } from "../types.ts";

export type ModuleRole = "prompts" | "sft" | "rater" | "reward" | "judge" | "gold";

export interface ModulePrompt {
  id: string;
  prompt?: string;
  messages?: { role: string; content: string }[];
}

/** Why an answer ended: the model's end-of-sequence token, the spec's `generate.stop`, or the token limit. */
export type Finish = "eos" | "stop" | "length";

export interface ModuleAnswer {
  text: string;
  finish: Finish;
}

/** `online` = all iterations' prompts, `bootstrap` = prompts of preference sampling; splits must not overlap. */
export type PromptSplit = "bootstrap" | "online" | "validation" | "test";
export type PromptsModule = (request: {
  seed: string;
  split: PromptSplit;
  count: number;
}) => ModulePrompt[] | Promise<ModulePrompt[]>;

export type SftModule = (request: { seed: string; count: number }) => SftRow[] | Promise<SftRow[]>;
export interface SftRow {
  prompt?: string;
  messages?: { role: string; content: string }[];
  completion: string;
}

/** One finite number per row. */
export type RewardModule = (
  rows: { prompt: ModulePrompt; answer: ModuleAnswer }[],
) => number[] | Promise<number[]>;

/** Probability in [0, 1] that `first` is the better answer; 0 or 1 is a label. Judges and raters have the same shape. */
export type JudgeModule = (
  rows: { prompt: ModulePrompt; first: ModuleAnswer; second: ModuleAnswer; seed: string }[],
) => number[] | Promise<number[]>;

/** The true reward of a world that has one, with its parts. Named only by the test report. */
export type GoldModule = (
  rows: { prompt: ModulePrompt; answer: ModuleAnswer }[],
) => GoldScore[] | Promise<GoldScore[]>;
export interface GoldScore {
  total: number;
  parts?: Record<string, number>;
}

/** A bundled module in the compiled spec. */
export interface ModuleBlob {
  digest: Digest;
  /** Limit of one call. */
  timeoutMs: number;
  /** The module's environment: its names to `env:NAME` of the worker's, never values. */
  env: Record<string, string>;
}
