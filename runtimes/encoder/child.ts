// Encodes rows with a model's tokenizer and chat template, in a process with limits of its own: both are a
// stranger's files, and a template or a regular expression in them may never end.
import { deserialize, serialize } from "node:v8";
import { answer, requests } from "../../host/inside-limited-child.mjs";
import type { ModelConfig } from "../../engine/model/index.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { PromptText } from "../../engine/tokenizer/tokenizer.ts";
import { errorToParts } from "../onnx/errors.ts";
import type { Answer, CompletionIds, CompletionText, PromptLength, Request } from "./protocol.ts";

class Rows {
  private readonly config: ModelConfig;
  private readonly tokenizer: Tokenizer;

  constructor(config: ModelConfig, tokenizer: Tokenizer) {
    this.config = config;
    this.tokenizer = tokenizer;
  }

  /** One function per row of the request. */
  async work(request: Exclude<Request, { kind: "open" }>): Promise<(() => unknown)[]> {
    if (request.kind === "prompts") return request.rows.map((row) => () => this.length(row));
    if (request.kind === "completions") return request.rows.map((row) => () => this.completion(row));
    // Imported here, because zod takes as long to load as all the rest.
    const { rowUse } = await import("./row-use.ts");
    return request.rows.map((row) => () => rowUse(request, row, this.tokenizer, this.config));
  }

  private length(row: PromptText): PromptLength {
    return {
      tokens: this.tokenizer.encodePrompt(row).length,
      closing: this.tokenizer.closingLength(row),
    };
  }

  private completion({ prompt, completion, completionIds }: CompletionText): CompletionIds {
    const promptIds = this.tokenizer.encodePrompt(prompt);
    return {
      promptIds,
      completionIds: completionIds ?? this.tokenizer.encodeAnswer(prompt, completion!, promptIds).ids,
    };
  }
}

function answered(work: () => unknown): Answer {
  try {
    return { value: work() } as Answer;
  } catch (error) {
    return { error: errorToParts(error) };
  }
}

async function open(dir: string, config: ModelConfig): Promise<Rows | undefined> {
  try {
    const rows = new Rows(config, await Tokenizer.load(dir, config));
    answer(serialize({ opened: true }));
    return rows;
  } catch (error) {
    answer(serialize({ error: errorToParts(error) }));
    return undefined;
  }
}

let rows: Rows | undefined;
for await (const bytes of requests()) {
  const request = deserialize(bytes) as Request;
  if (request.kind === "open") rows = await open(request.dir, request.config);
  else for (const work of await rows!.work(request)) answer(serialize(answered(work)));
}
