// Text to token ids and back, by the rules that TRL trains with (1.13): prompt and prompt + answer are encoded apart and the answer
// is the tail; plain answers are closed by the EOS, conversations by their template. Generation and training encode a prompt by the
// same function, `encodePrompt`. Departures from TRL, so that this stays true:
// - Where the prompt's tokens are no beginning of the whole's (TRL warns and cuts by count), the answer is encoded as what follows
//   the prompt, and the row counts as `merged`.
// - The BOS stands once, though both the text and the tokenizer may write it; a tokenizer's EOS never closes a prompt.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as Codec } from "@huggingface/tokenizers";
import { RatchetError } from "../../errors/index.ts";
import { readJson } from "../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../model/types.ts";
import { ChatTemplate, chooseTemplate, namedTemplates } from "./chat.ts";
import type { ChatMessage } from "./chat.ts";

/** Either field: plain text is never templated. */
export interface PromptText {
  prompt?: string;
  messages?: ChatMessage[];
}

/** What follows a prompt in training. */
export interface AnswerIds {
  ids: number[];
  /** Written at once, a token would have held characters of both prompt and answer. */
  merged: boolean;
}

type Json = Record<string, unknown>;

export class Tokenizer {
  readonly bosId: number | undefined;
  /** Closes plain training answers. */
  readonly eosId: number;
  readonly padId: number | undefined;
  /** Ids that end a generated answer. */
  readonly stopIds: ReadonlySet<number>;
  private readonly codec: Codec;
  private readonly addBos: boolean;
  private readonly closesTexts: boolean;
  private readonly special: ReadonlySet<number>;
  private readonly chat: ChatTemplate | undefined;
  /** Names of templates of which none could be chosen. */
  private readonly otherTemplates: string[];
  private readonly eosText: string;

  private constructor(
    codec: Codec,
    settings: Json,
    model: ModelConfig,
    moreStops: number[],
    chatSource: string | undefined,
    dir: string,
  ) {
    this.codec = codec;
    const text = (key: string): string | undefined => specialText(settings[key]);
    const id = (key: string): number | undefined => {
      const token = text(key);
      return token === undefined ? undefined : codec.token_to_id(token);
    };
    this.bosId = id("bos_token") ?? model.bosId;
    const eosId = id("eos_token") ?? model.eosIds[0];
    if (eosId === undefined)
      throw new RatchetError(
        "tokenizer_mismatch",
        `neither the tokenizer nor the config of ${dir} names an end-of-sequence token`,
      );
    this.eosId = eosId;
    this.eosText = text("eos_token") ?? codec.id_to_token(eosId) ?? "";
    this.padId = id("pad_token") ?? model.padId;
    this.stopIds = new Set([eosId, ...model.eosIds, ...moreStops]);
    this.addBos = settings["add_bos_token"] === true;
    this.closesTexts = closesTexts(codec, eosId);
    this.special = new Set(
      [...codec.get_added_tokens_decoder()].filter(([, token]) => token.special).map(([tokenId]) => tokenId),
    );
    if (chatSource !== undefined) this.chat = new ChatTemplate(chatSource, specialTexts(settings));
    this.otherTemplates = namedTemplates(settings["chat_template"]).map(({ name }) => String(name));
  }

  /** Reads tokenizer.json, tokenizer_config.json and, where present, chat_template.jinja and generation_config.json. */
  static async load(dir: string, model: ModelConfig): Promise<Tokenizer> {
    const settings = (await readJson(join(dir, "tokenizer_config.json"))) as Json;
    const codec = makeCodec((await readJson(join(dir, "tokenizer.json"))) as Json, settings, dir);
    checkVocabulary(codec, model, dir);
    const chat =
      (await readOptional(join(dir, "chat_template.jinja"))) ?? chooseTemplate(settings["chat_template"]);
    return new Tokenizer(codec, settings, model, await generationStops(dir), chat, dir);
  }

  encodePrompt(prompt: PromptText): number[] {
    if (prompt.messages)
      return this.onceBos(this.encode(this.template().render(prompt.messages, true), false));
    if (prompt.prompt === undefined)
      throw new RatchetError("prompt_invalid", "a prompt needs `prompt` or `messages`");
    return this.encodePlain(prompt.prompt);
  }

  /** The answer's ids after those of its prompt, closing token included. Messages are for a prompt of messages only. */
  encodeAnswer(
    prompt: PromptText,
    answer: string | readonly ChatMessage[],
    promptIds = this.encodePrompt(prompt),
  ): AnswerIds {
    if (prompt.messages) {
      const text = this.template().split(
        prompt.messages,
        typeof answer === "string" ? [{ role: "assistant", content: answer }] : answer,
      );
      return this.tail(promptIds, this.onceBos(this.encode(text.prompt + text.answer, false)), text.answer);
    }
    if (typeof answer !== "string")
      throw new RatchetError("prompt_invalid", "the prompt is plain text and its answer a list of messages");
    const closed = this.closed(answer);
    return this.tail(promptIds, this.encodePlain(prompt.prompt + closed), closed);
  }

  /** A text that is no answer to anything, closed by the EOS. */
  encodeText(text: string): number[] {
    return this.encodePlain(this.closed(text));
  }

  /** A whole conversation as its template writes it. */
  encodeConversation(messages: readonly ChatMessage[]): number[] {
    return this.onceBos(this.encode(this.template().render(messages, false), false));
  }

  /**
   * A conversation, and which of its tokens are the assistant's by the template's `{% generation %}`. A token that holds characters of
   * both sides of a border is the assistant's, as in transformers; the row then counts as merged.
   */
  encodeAssistant(messages: readonly ChatMessage[]): {
    ids: number[];
    assistant: boolean[];
    merged: boolean;
  } {
    const { text, spans } = this.template().assistantSpans(messages);
    const ids = this.encodeConversation(messages);
    const border = (at: number): { tokens: number; clean: boolean } => {
      const before = this.onceBos(this.encode(text.slice(0, at), false));
      const tokens = commonLength(before, ids);
      return { tokens, clean: tokens === before.length };
    };
    const assistant = ids.map(() => false);
    let merged = false;
    for (const [from, to] of spans) {
      const first = border(from);
      const last = border(to);
      assistant.fill(true, first.tokens, last.clean ? last.tokens : last.tokens + 1);
      merged ||= !first.clean || !last.clean;
    }
    return { ids, assistant, merged };
  }

  /**
   * Text of generated ids, without special tokens. Decoders drop a leading space, which belongs to the answer when it goes on in
   * the prompt's sentence; so the answer is decoded behind the prompt's text since its last special token, and that is cut off.
   */
  decodeAnswer(promptIds: readonly number[], ids: readonly number[]): string {
    const lastSpecial = promptIds.findLastIndex((id) => this.special.has(id));
    const context = promptIds.slice(lastSpecial + 1);
    const before = this.decode(context);
    const whole = this.decode([...context, ...ids]);
    return before !== "" && whole.startsWith(before) ? whole.slice(before.length) : this.decode(ids);
  }

  decode(ids: readonly number[]): string {
    const plain = ids.filter((id) => !this.special.has(id) && !this.stopIds.has(id));
    return plain.length === 0
      ? ""
      : this.codec.decode(plain, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
  }

  private encodePlain(text: string): number[] {
    const ids = this.encode(text, true);
    if (this.addBos && this.bosId !== undefined) ids.unshift(this.bosId);
    // The EOS closes answers, and those spell it out: one that closes every text would end the prompt before its answer.
    if (this.closesTexts) ids.pop();
    return this.onceBos(ids);
  }

  private closed(answer: string): string {
    return answer.endsWith(this.eosText) ? answer : answer + this.eosText;
  }

  /** A prompt that already spells the BOS gets a second one from the post-processor. */
  private onceBos(ids: number[]): number[] {
    let extra = 0;
    while (this.bosId !== undefined && ids[extra] === this.bosId && ids[extra + 1] === this.bosId) extra++;
    return ids.slice(extra);
  }

  private tail(promptIds: number[], whole: number[], answer: string): AnswerIds {
    if (commonLength(promptIds, whole) === promptIds.length)
      return { ids: whole.slice(promptIds.length), merged: false };
    return { ids: this.continuation(answer), merged: true };
  }

  /**
   * Ids of a text that goes on behind ids which are fixed. Encoded alone it could be given the space that only beginnings get
   * (metaspace tokenizers), so it is encoded behind something that stays apart from it, which is then cut off.
   */
  private continuation(text: string): number[] {
    for (const before of [this.eosText, "\n"]) {
      const head = this.tryEncode(before);
      const whole = this.tryEncode(before + text);
      if (head.length === 0 || commonLength(head, whole) < head.length) continue;
      if (this.spelled(whole) === this.spelled(head) + text) return whole.slice(head.length);
    }
    return this.encode(text, false);
  }

  /** Special tokens written out. */
  private spelled(ids: number[]): string {
    return this.codec.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** Empty where the vocabulary lacks a part of the text. */
  private tryEncode(text: string): number[] {
    const ids = this.codec.encode(text, { add_special_tokens: false }).ids as (number | undefined)[];
    return ids.every((id) => id !== undefined && id >= 0) ? (ids as number[]) : [];
  }

  private encode(text: string, addSpecial: boolean): number[] {
    const { ids, tokens } = this.codec.encode(text, { add_special_tokens: addSpecial });
    const unknown = (ids as (number | undefined)[]).findIndex((id) => id === undefined || id < 0);
    if (unknown >= 0)
      throw new RatchetError(
        "tokenizer_mismatch",
        `the tokenizer has no token for ${JSON.stringify(tokens[unknown])}`,
        { hint: "the text uses words from outside its vocabulary" },
      );
    return ids;
  }

  private template(): ChatTemplate {
    if (this.chat) return this.chat;
    const others =
      this.otherTemplates.length > 0
        ? `has the chat templates ${this.otherTemplates.join(", ")} and none named default`
        : "has no chat template";
    throw new RatchetError(
      "chat_template_missing",
      `the prompt is a list of messages and the tokenizer ${others}`,
      { hint: "use plain `prompt` text, or a tokenizer with `chat_template`" },
    );
  }
}

/** Number of equal ids at the beginning of both. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((id, i) => id !== b[i]);
  return differs < 0 ? a.length : differs;
}

/** Whether the tokenizer puts the EOS behind every text. */
function closesTexts(codec: Codec, eosId: number): boolean {
  const last = (special: boolean): number | undefined =>
    codec.encode("a", { add_special_tokens: special }).ids.at(-1);
  return last(true) === eosId && last(false) !== eosId;
}

function makeCodec(tokenizer: Json, settings: Json, dir: string): Codec {
  try {
    return new Codec(tokenizer, settings);
  } catch (cause) {
    throw new RatchetError(
      "tokenizer_invalid",
      `tokenizer.json of ${dir} cannot be used: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function checkVocabulary(codec: Codec, model: ModelConfig, dir: string): void {
  for (const [token, id] of codec.get_vocab(true))
    if (id >= model.vocabSize)
      throw new RatchetError(
        "tokenizer_mismatch",
        `token ${JSON.stringify(token)} of ${dir} has id ${id} and the model has ${model.vocabSize} embeddings`,
        { hint: "use the tokenizer that the model was trained with" },
      );
}

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

/** Chat models list their end-of-turn tokens in generation_config.json. */
async function generationStops(dir: string): Promise<number[]> {
  const text = await readOptional(join(dir, "generation_config.json"));
  if (text === undefined) return [];
  const stops = ((await readJson(join(dir, "generation_config.json"))) as Json)["eos_token_id"] ?? [];
  return (Array.isArray(stops) ? stops : [stops]).filter((id): id is number => Number.isInteger(id));
}

/** A special token is written as text or as an object with `content`. */
function specialText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

/** `bos_token`, `eos_token`, `unk_token` and so on. */
function specialTexts(settings: Json): Record<string, string> {
  const texts = Object.entries(settings).map(
    ([key, value]) => [key, key.endsWith("_token") ? specialText(value) : undefined] as const,
  );
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
