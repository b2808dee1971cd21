// Training rows from JSON Lines in TRL's columns to token sequences. A row that cannot be meant is refused with its line.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { SpecError } from "../../engine/errors.ts";
import type { Sequence } from "../../engine/model/index.ts";
import type { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { TrainRow } from "../../engine/train/index.ts";
import type { Message, TrainTask } from "../types.ts";

type Row = Record<string, unknown>;

/** Columns that are read, and those that may stand beside them. */
const columns = {
  sft: { read: ["prompt", "messages", "completion"], beside: ["id", "prompt_id"] },
  pairs: { read: ["prompt", "messages", "chosen", "rejected", "chosen_ids", "rejected_ids"], beside: ["id", "prompt_id", "chosen_score", "rejected_score", "margin"] },
};

export async function readTrainRows(path: string, task: TrainTask, tokenizer: Tokenizer, vocabSize: number): Promise<TrainRow[]> {
  const rows: TrainRow[] = [];
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line++;
    if (text.trim() !== "") rows.push(new RowReader(path, line, tokenizer, vocabSize).read(text, task));
  }
  if (rows.length === 0) throw new SpecError("rows_empty", `${path} has no row to train on`);
  return rows;
}

/** One line; carries what its errors name. */
class RowReader {
  private readonly place: string;
  private readonly tokenizer: Tokenizer;
  private readonly vocabSize: number;

  constructor(path: string, line: number, tokenizer: Tokenizer, vocabSize: number) {
    this.place = `line ${line} of ${path}`;
    this.tokenizer = tokenizer;
    this.vocabSize = vocabSize;
  }

  read(text: string, task: TrainTask): TrainRow {
    const row = this.parse(text);
    const known = task.kind === "sft" ? columns.sft : columns.pairs;
    for (const name of Object.keys(row))
      if (!known.read.includes(name) && !known.beside.includes(name)) throw this.invalid(`has an unknown field ${JSON.stringify(name)}`, `known: ${[...known.read, ...known.beside].join(", ")}`);
    const prompt = this.prompt(row);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    const sequence = (column: string): Sequence => ({ ids: [...promptIds, ...this.answer(row, column, prompt)], promptLength: promptIds.length });
    return task.kind === "sft" ? sequence("completion") : { chosen: sequence("chosen"), rejected: sequence("rejected") };
  }

  private parse(text: string): Row {
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch {
      throw this.invalid("is not JSON");
    }
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw this.invalid("is not a JSON object");
    return row as Row;
  }

  /** `prompt` as text, or as messages under either name. */
  private prompt(row: Row): { prompt?: string; messages?: Message[] } {
    const { prompt, messages = Array.isArray(prompt) ? prompt : undefined } = row;
    if (messages !== undefined && prompt !== undefined && messages !== prompt) throw this.invalid("has both `prompt` and `messages`");
    if (messages !== undefined) return { messages: this.messages(messages) };
    if (typeof prompt !== "string") throw this.invalid("has neither `prompt` nor `messages`");
    return { prompt };
  }

  private messages(value: unknown): Message[] {
    const fits = Array.isArray(value) && value.length > 0 && value.every((m: Partial<Message> | null) => typeof m?.role === "string" && typeof m.content === "string");
    if (!fits) throw this.invalid("has messages that are not a list of {role, content}");
    return value as Message[];
  }

  /** Ids as they were sampled, else the text's. A list of messages holds the answer alone. */
  private answer(row: Row, column: string, prompt: { prompt?: string; messages?: Message[] }): number[] {
    const ids = row[`${column}_ids`];
    if (ids !== undefined) return this.ids(ids, column);
    const value = row[column];
    const text = Array.isArray(value) ? this.messages(value).at(-1)?.content : value;
    if (typeof text !== "string" || (Array.isArray(value) && value.length !== 1)) throw this.invalid(`needs \`${column}\`, a text or one assistant message`);
    return this.tokenizer.encodeAnswer(prompt, text);
  }

  private ids(value: unknown, column: string): number[] {
    if (!Array.isArray(value) || !value.every((id) => Number.isInteger(id))) throw this.invalid(`has ${column}_ids that are no token ids`);
    const foreign = (value as number[]).find((id) => id < 0 || id >= this.vocabSize);
    if (foreign !== undefined) throw new SpecError("tokenizer_mismatch", `${this.place} has token id ${foreign} and the model has ${this.vocabSize} embeddings`);
    return value as number[];
  }

  private invalid(what: string, hint?: string): SpecError {
    return new SpecError("rows_invalid", `${this.place} ${what}`, hint === undefined ? {} : { hint });
  }
}
