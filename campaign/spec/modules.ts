// Signatures of the user's modules: each is a file whose default export is one of these functions. `start`
// bundles it, and a worker runs it in a child process that can read this module only. Rows are passed in
// batches; the answer has one entry per row, in the same order.
import type { Opinion } from "../labeling/types.ts";
import type { Digest } from "../types.ts";

/** Modules that stages call: those of the compiled spec. */
export type StageModule = "bootstrapLabelers" | "labelers" | "reward" | "judge" | "gold";
export type ModuleRole = "prompts" | "sft" | StageModule;

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

/**
 * `online`: prompts of all iterations. `bootstrap`: prompts of `bootstrap.labels`. Splits must not overlap.
 */
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

/** Which of two answers is better? */
export interface ModuleQuestion {
  prompt: ModulePrompt;
  first: ModuleAnswer;
  second: ModuleAnswer;
  seed: string;
}

/** P(`first` is the better answer). */
export type JudgeModule = (rows: ModuleQuestion[]) => number[] | Promise<number[]>;

/** The same, or a label as people give it. A probability above ½ is `first`, below ½ `second`, ½ a tie. */
export type LabelersModule = (rows: ModuleQuestion[]) => (number | Opinion)[] | Promise<(number | Opinion)[]>;

/**
 * The true reward (the gold reward of Gao et al., 2022) and its parts, for simulated tasks that have one.
 * Only labelers, simulated judges and the test report may read it.
 */
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
  /** Time limit of one call. */
  timeoutMs: number;
  /** The module's variables, each with the worker's variable that holds its value: `{KEY: "env:NAME"}`. */
  env: Record<string, string>;
  /** Whether it may open connections. Absent: it may not. */
  network?: true;
}
