// `logps`: log-probabilities of given answers under a checkpoint or an adapter, to check a model or the
// engine by hand. It needs no store and no server; the engine runs in this process.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { isMessages } from "../../campaign/recipe/preferences.ts";
import type { RawRow } from "../../campaign/recipe/preferences.ts";
import { readModel, SequenceScorer, loadWeights, Tokenizer } from "../../engine/index.ts";
import type { ModelConfig, PromptText } from "../../engine/index.ts";
import { readJsonLines } from "../../compile/json-lines.ts";

export interface RowLogps {
  /** The row's own. */
  id?: string;
  promptIds: number[];
  completionIds: number[];
  /** ln π of each id of the completion, given all before it. */
  logps: number[];
  sum: number;
}

interface EncodedRow {
  id?: string;
  promptIds: number[];
  completionIds: number[];
}

const COLUMNS = ["id", "prompt", "messages", "prompt_ids", "completion", "completion_ids"];
const SHAPE = 'a row is {"prompt" or "messages" or "prompt_ids", "completion" or "completion_ids"}';

/** One row of the file, with its place for errors. */
class Row {
  private readonly values: Record<string, unknown>;
  private readonly line: number;
  private readonly name: string;

  constructor({ line, value }: RawRow, name: string) {
    this.line = line;
    this.name = name;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw this.invalid("is no object");
    this.values = value as Record<string, unknown>;
    const unknown = Object.keys(this.values).find((key) => !COLUMNS.includes(key));
    if (unknown !== undefined) throw this.invalid(`has an unknown field ${JSON.stringify(unknown)}`);
  }

  /** Calls `tokenizer` only for a row that holds text. */
  async encode(
    tokenizer: () => Promise<Tokenizer>,
    { maxPositions, vocabSize }: ModelConfig,
  ): Promise<EncodedRow> {
    const prompt = this.prompt();
    const promptIds = Array.isArray(prompt) ? prompt : (await tokenizer()).encodePrompt(prompt);
    const completionIds = await this.completion(prompt, promptIds, tokenizer);
    for (const [what, ids] of [
      ["prompt", promptIds],
      ["completion", completionIds],
    ] as const) {
      if (ids.length === 0) throw this.invalid(`has a ${what} without a token`);
      const foreign = ids.find((token) => token >= vocabSize);
      if (foreign !== undefined)
        throw new RatchetError(
          "tokenizer_mismatch",
          `${this.place()} holds token id ${foreign} and the model has ${vocabSize} embeddings`,
          { file: this.name, line: this.line },
        );
    }
    const length = promptIds.length + completionIds.length;
    if (length > maxPositions)
      throw new RatchetError(
        "row_too_long",
        `${this.place()} makes ${length} tokens and the model reads ${maxPositions}`,
        { file: this.name, line: this.line },
      );
    const { id } = this.values;
    return { id: id === undefined ? undefined : String(id), promptIds, completionIds };
  }

  /** Text, a conversation, or token ids. */
  private prompt(): PromptText | number[] {
    const { prompt, messages, prompt_ids: ids } = this.values;
    const given = Object.entries({ prompt, messages, prompt_ids: ids }).filter(
      ([, value]) => value !== undefined,
    );
    if (given.length !== 1)
      throw this.invalid(
        given.length === 0 ? "has no prompt" : `has ${given.map(([key]) => `\`${key}\``).join(" and ")}`,
      );
    if (ids !== undefined) return this.ids("prompt_ids", ids);
    if (messages !== undefined || Array.isArray(prompt)) {
      const turns = messages ?? prompt;
      if (!isMessages(turns)) throw this.invalid("has messages that are no list of {role, content}");
      return { messages: turns };
    }
    if (typeof prompt !== "string") throw this.invalid("has a `prompt` that is no text");
    return { prompt };
  }

  private async completion(
    prompt: PromptText | number[],
    promptIds: number[],
    tokenizer: () => Promise<Tokenizer>,
  ): Promise<number[]> {
    const { completion, completion_ids: ids } = this.values;
    if ((completion === undefined) === (ids === undefined))
      throw this.invalid("needs either `completion` or `completion_ids`");
    if (ids !== undefined) return this.ids("completion_ids", ids);
    if (typeof completion !== "string") throw this.invalid("has a `completion` that is no text");
    if (Array.isArray(prompt))
      throw this.invalid(
        "has `prompt_ids` and a `completion` as text, which cannot be encoded without the prompt's text",
      );
    return (await tokenizer()).encodeAnswer(prompt, completion, promptIds).ids;
  }

  private ids(column: string, value: unknown): number[] {
    if (!Array.isArray(value) || !value.every((id) => Number.isInteger(id) && id >= 0))
      throw this.invalid(`has \`${column}\` that are no token ids`);
    return value as number[];
  }

  private place(): string {
    return `${this.name}:${this.line}`;
  }

  private invalid(what: string): RatchetError {
    return new RatchetError("row_invalid", `${this.place()} ${what}`, {
      file: this.name,
      line: this.line,
      hint: SHAPE,
    });
  }
}

/**
 * One entry per row of the file, in its order. Texts are encoded as in training: an end-of-sequence token
 * ends a plain completion.
 */
export async function logpsOfFile(modelDir: string, file: string): Promise<RowLogps[]> {
  const given = (await readJsonLines(resolve(file), file)).map((row) => new Row(row, file));
  const { checkpoint, tokenizerDir } = await readModel(modelDir);
  let loading: Promise<Tokenizer> | undefined;
  const tokenizer = (): Promise<Tokenizer> => (loading ??= Tokenizer.load(tokenizerDir, checkpoint.config));
  const rows: EncodedRow[] = [];
  for (const row of given) rows.push(await row.encode(tokenizer, checkpoint.config));
  const scorer = await SequenceScorer.create(checkpoint.config, { threads: availableParallelism() });
  try {
    const sequences = rows.map(({ promptIds, completionIds }) => ({
      ids: [...promptIds, ...completionIds],
      promptLength: promptIds.length,
    }));
    const logps = await scorer.tokenLogps(loadWeights(checkpoint), sequences);
    return rows.map((row, index) => {
      const tokens = Array.from(logps[index]!);
      return { ...row, logps: tokens, sum: tokens.reduce((sum, logp) => sum + logp, 0) };
    });
  } finally {
    await scorer.close();
  }
}
