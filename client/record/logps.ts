// `logps`: log-probabilities of given answers under a checkpoint or an adapter, to check a model or the
// engine by hand. It needs no store and no server; the engine runs in this process.
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { Code } from "../../errors/index.ts";
import type { RowOf } from "../../campaign/recipe/row-schema.ts";
import { readModel, SequenceScorer, loadWeights } from "../../engine/index.ts";
import type { ModelConfig, PromptText } from "../../engine/index.ts";
import { rowsAt } from "../../compile/data-file.ts";
import { errorAt, lineOf } from "../../compile/places.ts";
import { Encoder } from "../../runtimes/encoder/index.ts";
import type { CompletionIds } from "../../runtimes/encoder/index.ts";

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

type Row = RowOf<"completion">;

/** Rows of the file as token ids. */
class RowEncoder {
  private readonly file: string;
  private readonly config: ModelConfig;
  private readonly encoder: () => Promise<Encoder>;

  /** `encoder` is opened when the first row of text needs it. */
  constructor(file: string, config: ModelConfig, encoder: () => Promise<Encoder>) {
    this.file = file;
    this.config = config;
    this.encoder = encoder;
  }

  async encode(row: Row, line: number): Promise<EncodedRow> {
    const prompt = promptOf(row);
    const { promptIds, completionIds } = Array.isArray(prompt)
      ? { promptIds: prompt, completionIds: row.completion_ids! }
      : await this.texts(row, prompt, line);
    this.refuseForeign("prompt", promptIds, line);
    this.refuseForeign("completion", completionIds, line);
    const length = promptIds.length + completionIds.length;
    const { maxPositions } = this.config;
    if (length > maxPositions)
      throw this.refusal("row_too_long", line, `makes ${length} tokens and the model reads ${maxPositions}`);
    return { id: row.id === undefined ? undefined : String(row.id), promptIds, completionIds };
  }

  private async texts(
    { completion, completion_ids: completionIds }: Row,
    prompt: PromptText,
    line: number,
  ): Promise<CompletionIds> {
    const encoder = await this.encoder();
    const place = lineOf(this.file, line);
    return encoder
      .one("completions", {}, { prompt, completion, completionIds }, place.text)
      .catch((error: Error) => {
        throw errorAt(error, place, 0);
      });
  }

  private refuseForeign(part: "prompt" | "completion", ids: number[], line: number): void {
    const { vocabSize } = this.config;
    if (ids.length === 0) throw this.refusal("row_invalid", line, `has a ${part} without a token`);
    const foreign = ids.find((token) => token >= vocabSize);
    if (foreign !== undefined)
      throw this.refusal(
        "tokenizer_mismatch",
        line,
        `holds token id ${foreign} and the model has ${vocabSize} embeddings`,
      );
  }

  private refusal(code: Code, line: number, fault: string): RatchetError {
    return new RatchetError(code, `${this.file}:${line} ${fault}`, { file: this.file, line });
  }
}

/** Text, a conversation, or token ids. */
function promptOf({ prompt, messages, prompt_ids: ids }: Row): PromptText | number[] {
  if (ids) return ids;
  const turns = messages ?? (typeof prompt === "string" ? undefined : prompt);
  return turns ? { messages: turns } : { prompt: prompt as string };
}

/**
 * One entry per row of the file, in its order. `ignore`: columns, and fields of messages, to leave out. Texts
 * are encoded as in training: an end-of-sequence token ends a plain completion.
 */
export async function logpsOfFile(
  modelDir: string,
  file: string,
  { ignore = [] }: { ignore?: readonly string[] } = {},
): Promise<RowLogps[]> {
  const leaveOut = (names: readonly string[]): string =>
    `to leave them out: ${names.map((name) => `--ignore ${JSON.stringify(name)}`).join(" ")}`;
  const given = await rowsAt("completion", resolve(file), { file, ignore, leaveOut });
  const { checkpoint, tokenizerDir } = await readModel(modelDir);
  let opening: Promise<Encoder> | undefined;
  const encoder = (): Promise<Encoder> =>
    (opening ??= Encoder.open(tokenizerDir, checkpoint.config, modelDir));
  const rows: EncodedRow[] = [];
  const rowEncoder = new RowEncoder(file, checkpoint.config, encoder);
  try {
    for (const { row, line } of given) rows.push(await rowEncoder.encode(row, line));
  } finally {
    await opening?.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }
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
