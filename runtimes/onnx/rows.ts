/* oxlint-disable max-lines -- one reader: every kind of row, with the errors that name its line */
// Training rows from JSON Lines in TRL's columns to token sequences. An invalid row is an error that names
// its line.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { RatchetError } from "../../errors/index.ts";
import { splitMessages, splitText } from "../../campaign/recipe/implicit-prompt.ts";
import type { Sequence } from "../../engine/model/index.ts";
import type { PromptText, Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { LabelledRow, PairRow, TrainRow } from "../../engine/train/index.ts";
import type { Message, TrainTask } from "../types.ts";

type Row = Record<string, unknown>;
type SftTask = Extract<TrainTask, { kind: "sft" }>;

/** Columns that are read, and columns that are allowed and ignored. */
const COLUMNS = {
  sft: { read: ["prompt", "messages", "completion", "text"], ignored: ["id", "prompt_id"] },
  pairs: {
    read: ["prompt", "messages", "chosen", "rejected", "chosen_ids", "rejected_ids", "margin"],
    ignored: ["id", "prompt_id", "chosen_score", "rejected_score"],
  },
  labelled: { read: ["prompt", "messages", "completion", "label"], ignored: ["id", "prompt_id"] },
};

export interface ReadRows {
  rows: TrainRow[];
  /** Number of rows in which a token would hold characters of both prompt and answer. */
  merged: number;
}

export async function readTrainRows(
  path: string,
  task: TrainTask,
  tokenizer: Tokenizer,
  vocabSize: number,
): Promise<ReadRows> {
  const rows: TrainRow[] = [];
  let merged = 0;
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line++;
    if (text.trim() === "") continue;
    const reader = new RowReader(path, line, tokenizer, vocabSize);
    rows.push(...reader.read(text, task));
    if (reader.merged) merged++;
  }
  if (rows.length === 0) throw new RatchetError("rows_empty", `${path} has no row to train on`);
  return { rows, merged };
}

/** Reads one line. */
class RowReader {
  merged = false;
  private readonly place: string;
  private readonly tokenizer: Tokenizer;
  private readonly vocabSize: number;

  constructor(path: string, line: number, tokenizer: Tokenizer, vocabSize: number) {
    this.place = `line ${line} of ${path}`;
    this.tokenizer = tokenizer;
    this.vocabSize = vocabSize;
  }

  /** One row to train on; two for a pair if the task trains on single answers. */
  read(text: string, task: TrainTask): TrainRow[] {
    const row = this.parse(text);
    const labelled = task.kind === "kto" && row["label"] !== undefined;
    const known = task.kind === "sft" ? COLUMNS.sft : labelled ? COLUMNS.labelled : COLUMNS.pairs;
    for (const name of Object.keys(row))
      if (!known.read.includes(name) && !known.ignored.includes(name))
        throw this.invalid(
          `has an unknown field ${JSON.stringify(name)}`,
          `known: ${[...known.read, ...known.ignored].join(", ")}`,
        );
    if (task.kind === "sft") return [this.sft(row, task)];
    if (labelled) return [this.labelled(row)];
    const pair = this.pair(row);
    if (task.kind === "kto")
      return [
        { ...pair.chosen, desirable: true },
        { ...pair.rejected, desirable: false },
      ];
    return [task.kind === "reward" && task.margin ? { ...pair, margin: this.margin(row) } : pair];
  }

  private parse(text: string): Row {
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch {
      throw this.invalid("is not JSON");
    }
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw this.invalid("is not a JSON object");
    return row as Row;
  }

  // -------------------------------------------------------------- pairs

  private pair(given: Row): PairRow {
    const row =
      given["prompt"] === undefined && given["messages"] === undefined ? this.withPrompt(given) : given;
    const prompt = this.prompt(row);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    const sequence = (column: string): Sequence => ({
      ids: [...promptIds, ...this.sampledOrWritten(row, column, prompt, promptIds)],
      promptLength: promptIds.length,
    });
    return { chosen: sequence("chosen"), rejected: sequence("rejected") };
  }

  /** A row whose prompt is the common beginning of both answers. */
  private withPrompt(row: Row): Row {
    const { chosen, rejected } = row;
    if (row["chosen_ids"] !== undefined || row["rejected_ids"] !== undefined)
      throw this.invalid("has token ids of answers and neither `prompt` nor `messages`");
    if (typeof chosen === "string" && typeof rejected === "string")
      return { ...row, ...splitText(chosen, rejected) };
    if (!Array.isArray(chosen) || !Array.isArray(rejected))
      throw this.invalid("has neither `prompt` nor `messages`, nor `chosen` and `rejected` that hold it");
    return { ...row, ...splitMessages(this.messages(chosen), this.messages(rejected)) };
  }

  private sampledOrWritten(row: Row, column: string, prompt: PromptText, promptIds: number[]): number[] {
    const ids = row[`${column}_ids`];
    return ids === undefined ? this.answer(row, column, prompt, promptIds) : this.ids(ids, column);
  }

  private ids(value: unknown, column: string): number[] {
    if (!Array.isArray(value) || !value.every((id) => Number.isInteger(id)))
      throw this.invalid(`has ${column}_ids that are not token ids`);
    const foreign = (value as number[]).find((id) => id < 0 || id >= this.vocabSize);
    if (foreign !== undefined)
      throw new RatchetError(
        "tokenizer_mismatch",
        `${this.place} has token id ${foreign}; the model has ${this.vocabSize} embeddings`,
      );
    return value as number[];
  }

  private margin({ margin }: Row): number {
    if (typeof margin !== "number" || !Number.isFinite(margin))
      throw this.invalid("needs `margin`, a number, because the loss has a margin");
    return margin;
  }

  // -------------------------------------------------------------- labelled answers

  private labelled(row: Row): LabelledRow {
    if (typeof row["label"] !== "boolean") throw this.invalid("has a `label` that is neither true nor false");
    const prompt = this.prompt(row);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    return {
      ids: [...promptIds, ...this.answer(row, "completion", prompt, promptIds)],
      promptLength: promptIds.length,
      desirable: row["label"],
    };
  }

  // -------------------------------------------------------------- sft

  private sft(row: Row, task: SftTask): Sequence {
    const { promptMask } = task;
    const assistantOnly = task.assistantOnly === true;
    if (row["completion"] === undefined && (row["text"] !== undefined || row["messages"] !== undefined))
      return this.whole(row, promptMask, assistantOnly);
    if (row["text"] !== undefined) throw this.invalid("has both `text` and `completion`");
    const prompt = this.prompt(row);
    if (assistantOnly) return this.assistantsOf(row, prompt, promptMask);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    // Without a prompt mask all tokens but the first are predicted.
    return {
      ids: [...promptIds, ...this.answer(row, "completion", prompt, promptIds)],
      promptLength: promptMask ? promptIds.length : 1,
    };
  }

  /** A text or a conversation without a division into prompt and answer. */
  private whole(row: Row, promptMask: boolean, assistantOnly: boolean): Sequence {
    const { text, messages, prompt } = row;
    if (prompt !== undefined || (text !== undefined && messages !== undefined))
      throw this.invalid("needs `completion`, a text or the assistant's messages");
    if (assistantOnly) return this.assistant(this.messages(messages ?? this.noTurns()), []);
    if (promptMask)
      throw this.invalid(
        "has no `completion`, but the loss is on completions only",
        "set promptMask to false, or assistantOnly to true for conversations",
      );
    if (messages !== undefined)
      return { ids: this.tokenizer.encodeConversation(this.messages(messages)), promptLength: 1 };
    if (typeof text !== "string") throw this.invalid("has a `text` that is not a string");
    return { ids: this.tokenizer.encodeText(text), promptLength: 1 };
  }

  private assistantsOf(row: Row, prompt: PromptText, promptMask: boolean): Sequence {
    const messages = prompt.messages ?? this.noTurns();
    const { completion } = row;
    const answers =
      typeof completion === "string"
        ? [{ role: "assistant", content: completion }]
        : this.messages(completion);
    return this.assistant([...messages, ...answers], promptMask ? this.tokenizer.encodePrompt(prompt) : []);
  }

  /**
   * The loss is on the assistant's tokens after the prompt. A token with characters of both is the
   * assistant's, as in TRL.
   */
  private assistant(messages: Message[], promptIds: number[]): Sequence {
    const { ids, assistant, merged } = this.tokenizer.encodeAssistant(messages);
    this.merged ||= merged;
    const differing = promptIds.findIndex((id, position) => id !== ids[position]);
    const from = Math.max(1, differing < 0 ? promptIds.length : differing);
    return { ids, promptLength: from, lossMask: assistant.map((is, position) => is && position >= from) };
  }

  private noTurns(): never {
    throw this.invalid(
      "is plain text, but the loss is on the assistant's turns only",
      "conversations have turns: give `messages`, or set assistantOnly to false",
    );
  }

  // -------------------------------------------------------------- both

  /** `prompt` as text, or messages as `messages` or `prompt`. */
  private prompt(row: Row): PromptText {
    const { prompt, messages = Array.isArray(prompt) ? prompt : undefined } = row;
    if (messages !== undefined && prompt !== undefined && messages !== prompt)
      throw this.invalid("has both `prompt` and `messages`");
    if (messages !== undefined) return { messages: this.messages(messages) };
    if (typeof prompt !== "string") throw this.invalid("has neither `prompt` nor `messages`");
    return { prompt };
  }

  private messages(value: unknown): Message[] {
    const fits =
      Array.isArray(value) &&
      value.length > 0 &&
      value.every(
        (m: Partial<Message> | null) => typeof m?.role === "string" && typeof m.content === "string",
      );
    if (!fits) throw this.invalid("has messages that are not a list of {role, content}");
    return value as Message[];
  }

  /** An answer as a list of messages needs a prompt of messages. */
  private answer(row: Row, column: string, prompt: PromptText, promptIds: number[]): number[] {
    const value = row[column];
    const answer = Array.isArray(value) ? this.messages(value) : value;
    if (typeof answer !== "string" && !Array.isArray(answer))
      throw this.invalid(`needs \`${column}\`, a text or the assistant's messages`);
    if (Array.isArray(answer) && prompt.messages === undefined)
      throw this.invalid(`has a text \`prompt\`, but \`${column}\` as messages`);
    const { ids, merged } = this.tokenizer.encodeAnswer(prompt, answer, promptIds);
    this.merged ||= merged;
    return ids;
  }

  private invalid(what: string, hint?: string): RatchetError {
    return new RatchetError("rows_invalid", `${this.place} ${what}`, { hint });
  }
}
