// Encodes rows with a model's tokenizer and chat template, in a process with limits of its own: both are a
// stranger's files, and a template or a regular expression in them may never end.
import { deserialize, serialize } from "node:v8";
import { answer, requests } from "../../host/inside-limited-child.mjs";
import type { ModelConfig } from "../../engine/model/index.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import type { PromptText } from "../../engine/tokenizer/tokenizer.ts";
import { errorToParts } from "../onnx/errors.ts";
import { StopRule } from "../../engine/sampling/stop.ts";
import type {
  Answer,
  CompletionIds,
  CompletionText,
  PromptLength,
  Request,
  SampledAnswer,
  SampledText,
  SamplingPrompt,
} from "./protocol.ts";

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
    if (request.kind === "sampling") return request.rows.map((row) => () => this.prompt(row));
    if (request.kind === "sampled") {
      const stop = new StopRule(request.stop, (before, ids) => this.tokenizer.decodeAnswer(before, ids));
      return request.rows.map((row) => () => this.text(row, stop));
    }
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

  private prompt(row: PromptText): SamplingPrompt {
    return { promptIds: this.tokenizer.encodePrompt(row), ends: [...this.tokenizer.endsOf(row)] };
  }

  /** As in our own engine (runtimes/onnx/inference.ts), the end-of-sequence token comes before stop texts. */
  private text({ promptIds, ids, ends }: SampledAnswer, stop: StopRule): SampledText {
    const last = ids.at(-1)!;
    const head = this.tokenizer.decodeAnswer(promptIds, ids.slice(0, -1));
    const early = stop.cut(head) !== head;
    if (ends.includes(last)) return { text: head, shown: head, finish: "eos", early };
    const text = this.tokenizer.decodeAnswer(promptIds, ids);
    if (!stop.reached(promptIds, ids)) return { text, shown: text, early };
    const cut = stop.cut(text);
    return { text: cut, shown: cut === text ? head : cut, finish: "stop", early };
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
