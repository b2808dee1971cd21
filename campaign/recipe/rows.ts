// Rows that the recipe reads and writes, in TRL's columns: text rows have strings (`prompt`, `chosen`, `rejected`), conversational
// rows have lists of messages in all three, the answers as one assistant message each.
import { createHash } from "node:crypto";

export interface Message {
  role: string;
  content: string;
}

/** What a prompt is: plain text, never templated, or a conversation that goes through the chat template. */
export type PromptContent = string | Message[];

/** A prompt of a split: exactly one of `prompt` and `messages`. */
export interface PromptRow {
  id: string;
  prompt?: string;
  messages?: Message[];
}

/** One row of pairs.jsonl. `chosen_ids` and the scores are absent where a file of preferences had none. */
export interface PairRow {
  prompt_id: string;
  prompt: PromptContent;
  chosen: string | Message[];
  rejected: string | Message[];
  /** Token ids of the answers as they were sampled. */
  chosen_ids?: number[];
  rejected_ids?: number[];
  /** Raw scores. */
  chosen_score?: number;
  rejected_score?: number;
  /** Score gap that made the choice, length penalty included; > 0. */
  margin?: number;
}

export const promptContent = (row: { prompt?: string; messages?: Message[] }): PromptContent =>
  row.messages ?? row.prompt ?? "";

/** The answer in the form that goes with its prompt. */
export const answerContent = (prompt: PromptContent, text: string): string | Message[] =>
  typeof prompt === "string" ? text : [{ role: "assistant", content: text }];

/**
 * SHA-256 that two prompts share when they ask the same: plain text equals one user message of that text; Unicode form (NFC) and
 * outer white space do not count.
 */
export function contentDigest(content: PromptContent): string {
  const turns = typeof content === "string" ? [{ role: "user", content }] : content;
  const plain = turns.map((turn) => [turn.role, turn.content.normalize("NFC").trim()]);
  return createHash("sha256").update(JSON.stringify(plain)).digest("hex");
}

/** JSON Lines: one object per line, each line ended. */
export const formatRows = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");
