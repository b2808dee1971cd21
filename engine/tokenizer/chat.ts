// Chat templates: messages to the text that the model was taught to read, by the Jinja template that the tokenizer ships.
import { Template } from "@huggingface/jinja";
import { SpecError } from "../errors.ts";

export interface ChatMessage {
  role: string;
  content: string;
}

export interface SpecialTexts {
  bos_token?: string;
  eos_token?: string;
  pad_token?: string;
}

/** Templates that print a date take it from here when it is given; this one is the default of Llama 3.1 and 3.2. */
const fixedDate = "26 Jul 2024";

export class ChatTemplate {
  private readonly template: Template;
  private readonly texts: SpecialTexts;

  constructor(source: string, texts: SpecialTexts) {
    // Today's date in a prompt would make a campaign's bytes depend on the day it ran.
    if (source.includes("strftime_now") && !source.includes("date_string"))
      throw new SpecError("chat_template_unsupported", "the chat template asks for today's date, so that equal prompts would differ from day to day");
    this.template = parseTemplate(source);
    this.texts = texts;
  }

  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    try {
      return this.template.render({ messages, add_generation_prompt: addGenerationPrompt, date_string: fixedDate, ...this.texts });
    } catch (cause) {
      throw new SpecError("chat_template_unsupported", `the chat template refuses these messages: ${(cause as Error).message}`, { cause });
    }
  }

  /** The prompt as text, and what an assistant's answer adds to it (turn-closing tokens included). */
  split(messages: readonly ChatMessage[], answer: string): { prompt: string; answer: string } {
    const prompt = this.render(messages, true);
    const whole = this.render([...messages, { role: "assistant", content: answer }], false);
    if (!whole.startsWith(prompt))
      throw new SpecError("chat_template_unsupported", "the chat template writes a conversation with an answer differently from its prompt alone", {
        hint: "a template that rewrites earlier turns cannot be used for training",
      });
    return { prompt, answer: whole.slice(prompt.length) };
  }
}

function parseTemplate(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new SpecError("chat_template_unsupported", `the chat template cannot be parsed: ${(cause as Error).message}`, { cause });
  }
}

/** `chat_template` is one template, or a list of named ones of which `default` is meant. */
export function chooseTemplate(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const chosen = named.find((entry) => entry.name === "default")?.template;
  return typeof chosen === "string" ? chosen : undefined;
}
