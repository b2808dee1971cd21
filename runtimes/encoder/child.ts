// Encodes rows with a model's tokenizer and chat template, in a process with limits of its own: both are a
// stranger's files, and a template or a regular expression in them may never end.
import { deserialize, serialize } from "node:v8";
import { answer, requests } from "../../host/inside-limited-child.mjs";
import type { ModelConfig } from "../../engine/model/index.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { PromptText } from "../../engine/tokenizer/tokenizer.ts";
import { useOfRow } from "../../engine/train/rows.ts";
import { errorToParts } from "../onnx/errors.ts";
import { readTrainRow } from "../onnx/rows.ts";
import type { Answer, CompletionIds, CompletionText, PromptLength, Request, RowUse } from "./protocol.ts";

type Training = Extract<Request, { kind: "training" }>;

class Rows {
  private readonly config: ModelConfig;
  private readonly tokenizer: Tokenizer;

  constructor(config: ModelConfig, tokenizer: Tokenizer) {
    this.config = config;
    this.tokenizer = tokenizer;
  }

  /** One function per row of the request. */
  work(request: Exclude<Request, { kind: "open" }>): (() => unknown)[] {
    if (request.kind === "prompts") return request.rows.map((row) => () => this.length(row));
    if (request.kind === "completions") return request.rows.map((row) => () => this.completion(row));
    return request.rows.map((row) => () => this.use(request, row));
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

  private use({ task, limit }: Training, { file, line, text }: Training["rows"][number]): RowUse {
    const use: RowUse = { used: 0, cut: 0, dropped: {} };
    const place = { path: file, line };
    for (const row of readTrainRow(JSON.parse(text), place, task, this.tokenizer, this.config.vocabSize)
      .rows) {
      const found = useOfRow(row, limit);
      if ("dropped" in found) use.dropped[found.dropped] = (use.dropped[found.dropped] ?? 0) + 1;
      else {
        use.used++;
        if (found.cut) use.cut++;
      }
    }
    return use;
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
  else for (const work of rows!.work(request)) answer(serialize(answered(work)));
}
