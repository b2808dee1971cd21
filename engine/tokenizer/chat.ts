// Chat templates: messages → the text that the model was trained on, by the tokenizer's Jinja template. The
// template gets the same variables as in transformers: the tokenizer's special tokens as `bos_token` and so
// on; `tools` and `documents` are null. engine/jinja renders it.
import { RatchetError } from "../../errors/index.ts";
import { Template } from "../jinja/index.ts";

export interface ChatMessage {
  role: string;
  content: string;
}

/** The tokenizer's special tokens by their names in its settings: `bos_token`, `eos_token`, … */
export type SpecialTexts = Readonly<Record<string, string>>;

/** Characters `from` to `to` − 1. */
export type Span = readonly [from: number, to: number];

/** `date_string` for templates that print a date. It is the default of Llama 3.1 and 3.2. */
const FIXED_DATE = "26 Jul 2024";

/**
 * Characters in place of `{% generation %}` and its end. Unicode reserves these code points as noncharacters.
 */
const MARKS = { open: "\uFDD0", close: "\uFDD1" };

/** An answer that no filter for white space or for thinking changes, and that no template writes itself. */
const PROBE = "anANSWERat7351";

const GENERATION = /\{%[-+]?\s*generation\s*[-+]?%\}/;

export class ChatTemplate {
  private readonly template: Template;
  /** Whether the template has generation tags. */
  private readonly marked: boolean;
  private readonly texts: SpecialTexts;

  constructor(source: string, texts: SpecialTexts) {
    // With today's date in a prompt a campaign's bytes would depend on the day.
    if (source.includes("strftime_now") && !source.includes("date_string"))
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template prints today's date, so equal prompts would differ from day to day",
      );
    this.template = parseTemplate(source);
    this.marked = GENERATION.test(source);
    this.texts = texts;
  }

  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    return this.fill(messages, addGenerationPrompt, false);
  }

  /** The prompt as text, and the text that the answers add to it, including tokens that close a turn. */
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

  /**
   * The text that the template writes behind an answer to this prompt. Undefined if it cannot write an answer
   * there.
   */
  closing(messages: readonly ChatMessage[]): string | undefined {
    let whole: string;
    try {
      whole = this.render([...messages, { role: "assistant", content: PROBE }], false);
    } catch {
      // The template writes prompts only, or refuses this order of roles. Prompts are still usable.
      return undefined;
    }
    const at = whole.lastIndexOf(PROBE);
    return at < 0 ? undefined : whole.slice(at + PROBE.length);
  }

  /** A whole conversation, and the characters between `{% generation %}` and `{% endgeneration %}`. */
  assistantSpans(messages: readonly ChatMessage[]): { text: string; spans: Span[] } {
    if (!this.marked)
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template has no {% generation %} tag, so the assistant's tokens are not known",
        {
          hint:
            "put {% generation %} … {% endgeneration %} around the assistant's text, " +
            "or train on rows of prompt and completion",
        },
      );
    const parts = this.fill(messages, false, true).split(/([\uFDD0\uFDD1])/);
    const spans: Span[] = [];
    let text = "";
    let from = 0;
    for (const part of parts) {
      if (part === MARKS.open) from = text.length;
      else if (part === MARKS.close) spans.push([from, text.length]);
      else text += part;
    }
    // The texts differ if a filter around the block, such as trim, sees the marks.
    if (text !== this.render(messages, false))
      throw new RatchetError(
        "chat_template_unsupported",
        "the chat template changes the text inside {% generation %}, so its position is not known",
      );
    return { text, spans };
  }

  private fill(messages: readonly ChatMessage[], addGenerationPrompt: boolean, marked: boolean): string {
    const variables = {
      messages: messages.map(aliasReasoning),
      add_generation_prompt: addGenerationPrompt,
      tools: null,
      documents: null,
      date_string: FIXED_DATE,
      ...this.texts,
    };
    try {
      return this.template.render(variables, { marks: marked ? MARKS : undefined });
    } catch (cause) {
      throw refused("the chat template refuses these messages", cause);
    }
  }
}

/** The names of a message's reasoning, the usual name first. */
const REASONING = ["reasoning_content", "thinking", "reasoning"];

/** As in transformers: templates read `reasoning_content`, and those of gpt-oss read `thinking`. */
export function aliasReasoning(message: object): object {
  const fields = message as Record<string, unknown>;
  const name = REASONING.find((field) => fields[field] !== undefined && fields[field] !== null);
  if (name === undefined) return message;
  return { thinking: fields[name], ...fields, reasoning_content: fields[name] };
}

function parseTemplate(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw refused("the chat template cannot be parsed", cause);
  }
}

/** The template's error, with the failed step before its message. */
function refused(step: string, cause: unknown): RatchetError {
  const { message, hint } = cause as { message: string; hint?: string };
  return new RatchetError("chat_template_unsupported", `${step}: ${message}`, { hint, cause });
}

/** `chat_template` is one template, or a list of named templates with one named `default`. */
export function chooseTemplate(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const chosen = namedTemplates(value).find(({ name }) => name === "default")?.template;
  return typeof chosen === "string" ? chosen : undefined;
}

export function namedTemplates(value: unknown): { name?: unknown; template?: unknown }[] {
  return Array.isArray(value) ? (value as { name?: unknown; template?: unknown }[]) : [];
}
