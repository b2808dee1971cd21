// Rows of the recipe in TRL's columns. Text rows have strings in `prompt`, `chosen` and `rejected`;
// conversational rows have lists of messages in all three, each answer as one assistant message.
import { createHash } from "node:crypto";

export interface Message {
  role: string;
  content: string;
}

/** Plain text is used as it is; a conversation is rendered with the chat template. */
export type PromptContent = string | Message[];

/** A prompt of a split. Has either `prompt` or `messages`. */
export interface PromptRow {
  id: string;
  prompt?: string;
  messages?: Message[];
}

/** One row of pairs.jsonl. Pairs from a preference file have no ids, and scores only if the file has them. */
export interface PairRow {
  prompt_id: string;
  prompt: PromptContent;
  chosen: string | Message[];
  rejected: string | Message[];
  /** Token ids of the sampled answers. */
  chosen_ids?: number[];
  rejected_ids?: number[];
  /** Raw scores. */
  chosen_score?: number;
  rejected_score?: number;
  /** Gap of the scores after penalties; > 0. */
  margin?: number;
}

export const promptContent = (row: { prompt?: string; messages?: Message[] }): PromptContent =>
  row.messages ?? row.prompt ?? "";

/** The answer in its prompt's form: text, or one assistant message. */
export const answerContent = (prompt: PromptContent, text: string): string | Message[] =>
  typeof prompt === "string" ? text : [{ role: "assistant", content: text }];

/** A pair in TRL's columns, with the token ids of both answers. */
export function pairRow(
  prompt: PromptRow,
  chosen: { text: string; ids: number[] },
  rejected: { text: string; ids: number[] },
): PairRow {
  const content = promptContent(prompt);
  return {
    prompt_id: prompt.id,
    prompt: content,
    chosen: answerContent(content, chosen.text),
    rejected: answerContent(content, rejected.text),
    chosen_ids: chosen.ids,
    rejected_ids: rejected.ids,
  };
}

/**
 * SHA-256 that is equal for two prompts with the same question. Plain text equals one user message of that
 * text. Unicode form (NFC) and outer white space do not count.
 */
export function contentDigest(content: PromptContent): string {
  const turns = typeof content === "string" ? [{ role: "user", content }] : content;
  const plain = turns.map((turn) => [turn.role, turn.content.normalize("NFC").trim()]);
  return createHash("sha256").update(JSON.stringify(plain)).digest("hex");
}

/** JSON Lines, with a line end after the last row. */
export const formatRows = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join("");
