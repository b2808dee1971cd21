/* oxlint-disable max-lines -- one reader: every kind of training row as tokens */
// Training rows from JSON Lines in TRL's columns to token sequences. An invalid row is an error that names
// its line.
import { RatchetError } from "../../errors/index.ts";
import { splitMessages, splitText } from "../../campaign/recipe/implicit-prompt.ts";
import { readRow } from "../../campaign/recipe/read-row.ts";
import type { RowKind, RowOf } from "../../campaign/recipe/row-schema.ts";
import { fileRows } from "../../campaign/rows/file.ts";
import type { Sequence } from "../../engine/model/index.ts";
import type { PromptText, Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { LabelledRow, PairRow, TrainRow } from "../../engine/train/index.ts";
import type { Message, TrainTask } from "../types.ts";

type SftTask = Extract<TrainTask, { kind: "sft" }>;
/** A prompt as text, or messages as `messages` or `prompt`. */
type Prompted = Pick<RowOf<"trainSft">, "prompt" | "messages">;
type Answer = string | Message[];
type Side = "chosen" | "rejected";

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
  onRow: (line: number) => void = () => undefined,
): Promise<ReadRows> {
  const rows: TrainRow[] = [];
  let merged = 0;
  for await (const { line, value } of fileRows(path, { file: path, code: "rows_invalid" })) {
    onRow(line);
    const read = readTrainRow(value, { path, line }, task, tokenizer, vocabSize);
    rows.push(...read.rows);
    merged += read.merged;
  }
  if (rows.length === 0) throw new RatchetError("rows_empty", `${path} has no row to train on`);
  return { rows, merged };
}

/** Reads one row. `merged` is 0 or 1. */
export function readTrainRow(
  value: unknown,
  { path, line }: { path: string; line: number },
  task: TrainTask,
  tokenizer: Tokenizer,
  vocabSize: number,
): ReadRows {
  const reader = new RowReader(path, line, tokenizer, vocabSize);
  const rows = reader.read(value, task);
  return { rows, merged: Number(reader.merged) };
}

class RowReader {
  merged = false;
  private readonly path: string;
  private readonly line: number;
  private readonly place: string;
  private readonly tokenizer: Tokenizer;
  private readonly vocabSize: number;

  constructor(path: string, line: number, tokenizer: Tokenizer, vocabSize: number) {
    this.path = path;
    this.line = line;
    this.place = `${path}:${line}`;
    this.tokenizer = tokenizer;
    this.vocabSize = vocabSize;
  }

  /** One row to train on; two for a pair if the task trains on single answers. */
  read(value: unknown, task: TrainTask): TrainRow[] {
    if (task.kind === "sft") return [this.sft(this.checked("trainSft", value), task)];
    if (task.kind === "kto" && (value as { label?: unknown } | null)?.label !== undefined)
      return [this.labelled(this.checked("trainLabelled", value))];
    if (task.kind === "reward") return [this.rewardPair(value, task.margin === true)];
    const pair = this.pair(this.checked("trainPair", value), (_side, ids) => ids);
    if (task.kind !== "kto") return [pair];
    return [
      { ...pair.chosen, desirable: true },
      { ...pair.rejected, desirable: false },
    ];
  }

  private checked<K extends RowKind>(kind: K, value: unknown): RowOf<K> {
    return readRow(kind, { line: this.line, value }, { file: this.path });
  }

  // -------------------------------------------------------------- pairs

  /** A policy trains on the ids that were sampled, but a reward is read behind the closed row. */
  private rewardPair(value: unknown, margin: boolean): PairRow {
    const row = this.checked(margin ? "trainPairWithMargin" : "trainPair", value);
    const pair = this.pair(row, (side, ids, prompt, promptIds) => {
      // `row` has no text beside ids. The text shows whether a stop text ended the answer.
      const text =
        textOf((value as Record<Side, unknown>)[side]) ?? this.tokenizer.decodeAnswer(promptIds, ids);
      return this.tokenizer.closeAnswer(prompt, { ids, text }, promptIds);
    });
    return margin ? { ...pair, margin: row.margin as number } : pair;
  }

  /** `read`: the ids to train on of an answer's sampled ids. */
  private pair(
    given: RowOf<"trainPair">,
    read: (side: Side, ids: number[], prompt: PromptText, promptIds: number[]) => number[],
  ): PairRow {
    const row = given.prompt === undefined && given.messages === undefined ? this.withPrompt(given) : given;
    const prompt = promptOf(row);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    const sequence = (side: Side): Sequence => {
      const sampled = row[`${side}_ids`];
      const ids = sampled
        ? read(side, this.known(sampled), prompt, promptIds)
        : this.answer(row[side]!, prompt, promptIds);
      return { ids: [...promptIds, ...ids], promptLength: promptIds.length };
    };
    return { chosen: sequence("chosen"), rejected: sequence("rejected") };
  }

  /** A row whose prompt is the common beginning of both answers. */
  private withPrompt({ chosen, rejected }: RowOf<"trainPair">): RowOf<"trainPair"> {
    if (typeof chosen === "string" && typeof rejected === "string") return splitText(chosen, rejected);
    const split = splitMessages(chosen as Message[], rejected as Message[]);
    if (split.prompt.length === 0) throw this.invalid("has answers without a common beginning, the prompt");
    return split;
  }

  private known(ids: number[]): number[] {
    const foreign = ids.find((id) => id < 0 || id >= this.vocabSize);
    if (foreign !== undefined)
      throw new RatchetError(
        "tokenizer_mismatch",
        `${this.place} has token id ${foreign}; the model has ${this.vocabSize} embeddings`,
      );
    return ids;
  }

  // -------------------------------------------------------------- labelled answers

  private labelled(row: RowOf<"trainLabelled">): LabelledRow {
    const prompt = promptOf(row);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    return {
      ids: [...promptIds, ...this.answer(row.completion, prompt, promptIds)],
      promptLength: promptIds.length,
      desirable: row.label,
    };
  }

  // -------------------------------------------------------------- sft

  private sft(row: RowOf<"trainSft">, task: SftTask): Sequence {
    const { promptMask } = task;
    const assistantOnly = task.assistantOnly === true;
    if (row.completion === undefined) return this.whole(row, promptMask, assistantOnly);
    const prompt = promptOf(row);
    if (assistantOnly) return this.assistantsOf(row.completion, prompt, promptMask);
    const promptIds = this.tokenizer.encodePrompt(prompt);
    // Without a prompt mask all tokens but the first are predicted.
    return {
      ids: [...promptIds, ...this.answer(row.completion, prompt, promptIds)],
      promptLength: promptMask ? promptIds.length : 1,
    };
  }

  /** A text or a conversation without a division into prompt and answer. */
  private whole(
    { text, messages }: RowOf<"trainSft">,
    promptMask: boolean,
    assistantOnly: boolean,
  ): Sequence {
    if (assistantOnly) return this.assistant(messages ?? this.noTurns(), []);
    if (promptMask)
      throw this.invalid("has no `completion`, but the loss is on completions only", {
        hint: "set promptMask to false, or assistantOnly to true for conversations",
      });
    return {
      ids: messages ? this.tokenizer.encodeConversation(messages) : this.tokenizer.encodeText(text!),
      promptLength: 1,
    };
  }

  private assistantsOf(completion: Answer, prompt: PromptText, promptMask: boolean): Sequence {
    const messages = prompt.messages ?? this.noTurns();
    const answers =
      typeof completion === "string" ? [{ role: "assistant", content: completion }] : completion;
    const promptIds = this.tokenizer.encodePrompt(prompt);
    return this.assistant([...messages, ...answers], promptMask ? promptIds : []);
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
    throw this.invalid("is plain text, but the loss is on the assistant's turns only", {
      hint: "conversations have turns: give `messages`, or set assistantOnly to false",
    });
  }

  // -------------------------------------------------------------- both

  private answer(answer: Answer, prompt: PromptText, promptIds: number[]): number[] {
    const { ids, merged } = this.tokenizer.encodeAnswer(prompt, answer, promptIds);
    this.merged ||= merged;
    return ids;
  }

  private invalid(fault: string, more: { hint?: string } = {}): RatchetError {
    return new RatchetError("rows_invalid", `${this.place} ${fault}`, more);
  }
}

/** Of an answer as a row holds it, unchecked. Undefined if it has no text. */
function textOf(answer: unknown): string | undefined {
  if (typeof answer === "string") return answer;
  const contents = Array.isArray(answer)
    ? answer.map((turn: unknown) => (turn as Partial<Message> | null)?.content)
    : [];
  return contents.length > 0 && contents.every((content) => typeof content === "string")
    ? contents.join("")
    : undefined;
}

function promptOf({ prompt, messages }: Prompted): PromptText {
  const turns = messages ?? (typeof prompt === "string" ? undefined : prompt);
  return turns ? { messages: turns } : { prompt: prompt as string };
}
