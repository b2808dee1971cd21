// Chat templates: messages to the text that the model was taught to read, by the Jinja template that the tokenizer ships.
// The surroundings are those of transformers: the tokenizer's special tokens as `bos_token` and so on, `tools` and `documents` none.
import { Template } from "@huggingface/jinja";
import { RatchetError } from "../../errors/index.ts";

export interface ChatMessage {
  role: string;
  content: string;
}

/** The tokenizer's special tokens by their names in its settings: `bos_token`, `eos_token`, … */
export type SpecialTexts = Readonly<Record<string, string>>;

/** Characters `from` to before `to`. */
export type Span = readonly [from: number, to: number];

/** Templates that print a date take it from here when it is given; this one is the default of Llama 3.1 and 3.2. */
const fixedDate = "26 Jul 2024";

/** Stand where `{% generation %}` and its end stood. Unicode keeps these two code points free of meaning for ever. */
const marks = { open: "\uFDD0", close: "\uFDD1" };

export class ChatTemplate {
  private readonly template: Template;
  /** The same template, writing a mark where the assistant's words begin and end; absent where it does not say. */
  private readonly marked: Template | undefined;
  private readonly texts: SpecialTexts;

  constructor(source: string, texts: SpecialTexts) {
    // Today's date in a prompt would make a campaign's bytes depend on the day it ran.
    if (source.includes("strftime_now") && !source.includes("date_string"))
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template asks for today's date, so that equal prompts would differ from day to day",
      );
    this.template = parseTemplate(source);
    const marked = markGeneration(source);
    if (marked !== source) this.marked = parseTemplate(marked);
    this.texts = texts;
  }

  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    return this.fill(this.template, messages, addGenerationPrompt);
  }

  /** The prompt as text, and what answers add to it (turn-closing tokens included). */
  split(
    messages: readonly ChatMessage[],
    answers: readonly ChatMessage[],
  ): { prompt: string; answer: string } {
    const prompt = this.render(messages, true);
    const whole = this.render([...messages, ...answers], false);
    if (!whole.startsWith(prompt))
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template writes a conversation with an answer differently from its prompt alone",
        {
          hint: "a template that rewrites earlier turns cannot be used for training",
        },
      );
    return { prompt, answer: whole.slice(prompt.length) };
  }

  /** A whole conversation, and which of its characters stand between `{% generation %}` and `{% endgeneration %}`. */
  assistantSpans(messages: readonly ChatMessage[]): { text: string; spans: Span[] } {
    if (!this.marked)
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template has no {% generation %}, so nobody can say which tokens are the assistant's",
        {
          hint: "put {% generation %} … {% endgeneration %} around what the assistant writes, or learn from rows of prompt and completion",
        },
      );
    const parts = this.fill(this.marked, messages, false).split(/([\uFDD0\uFDD1])/);
    const spans: Span[] = [];
    let text = "";
    let from = 0;
    for (const part of parts) {
      if (part === marks.open) from = text.length;
      else if (part === marks.close) spans.push([from, text.length]);
      else text += part;
    }
    // A filter around the block, such as trim, could see the marks.
    if (text !== this.render(messages, false))
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template works on what {% generation %} holds, so that its place in the text is not known",
      );
    return { text, spans };
  }

  private fill(template: Template, messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    try {
      return template.render({
        messages,
        add_generation_prompt: addGenerationPrompt,
        tools: null,
        documents: null,
        date_string: fixedDate,
        ...this.texts,
      });
    } catch (cause) {
      throw new RatchetError(
        "chat_template_unsupported",
        `the chat template refuses these messages: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}

function parseTemplate(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new RatchetError(
      "chat_template_unsupported",
      `the chat template cannot be parsed: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * An output tag in place of each generation tag. A `-` trims alike in both; what transformers trims around statements only
 * (blanks before one that begins a line, the line break behind it) is trimmed here.
 */
function markGeneration(source: string): string {
  return source.replace(
    /(?:^[ \t]*)?\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}\n?/gm,
    (_, left: string, end: string | undefined, right: string) => {
      const mark = end === undefined ? marks.open : marks.close;
      return `{{${left === "-" ? "-" : ""} "${mark}" ${right === "-" ? "-" : ""}}}`;
    },
  );
}

/** `chat_template` is one template, or a list of named ones of which `default` is meant. */
export function chooseTemplate(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const chosen = namedTemplates(value).find(({ name }) => name === "default")?.template;
  return typeof chosen === "string" ? chosen : undefined;
}

export function namedTemplates(value: unknown): { name?: unknown; template?: unknown }[] {
  return Array.isArray(value) ? (value as { name?: unknown; template?: unknown }[]) : [];
}
