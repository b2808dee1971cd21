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

/** A template that asks for today's date would make a campaign's bytes depend on the day it ran. */
function refuseDate(): never {
  throw new SpecError("chat_template_unsupported", "the chat template asks for today's date, so that equal prompts would differ from day to day");
}

/** Llama 3.1 and 3.2 print a date and take this one, their own default, when it is given. */
const fixedDate = "26 Jul 2024";

export class ChatTemplate {
  private readonly template: Template;
  private readonly texts: SpecialTexts;

  constructor(source: string, texts: SpecialTexts) {
    this.template = new Template(source);
    this.texts = texts;
  }

  render(messages: readonly ChatMessage[], addGenerationPrompt: boolean): string {
    try {
      return this.template.render({ messages, add_generation_prompt: addGenerationPrompt, date_string: fixedDate, strftime_now: refuseDate, ...this.texts });
    } catch (cause) {
      if (cause instanceof SpecError) throw cause;
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

/** `chat_template` is one template, or a list of named ones of which `default` is meant. */
export function chooseTemplate(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as { name?: unknown; template?: unknown }[];
  const chosen = named.find((entry) => entry.name === "default")?.template;
  return typeof chosen === "string" ? chosen : undefined;
}
