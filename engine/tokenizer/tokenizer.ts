/* oxlint-disable max-lines -- one class: a text's way to ids and back */
// Text to token ids and back, by TRL's rules for training (1.13): the prompt, and the prompt with its answer,
// are encoded separately, and the answer is the tail of the second. Plain answers end with the EOS,
// conversations as their template says. Generation and training encode a prompt by the same function,
// `encodePrompt`. For this to hold, two rules differ from TRL:
// - If the prompt's ids are not the beginning of the whole's ids (TRL warns and cuts by count), the answer is
//   encoded as a continuation of the prompt, and the row counts as `merged`.
// - A prompt has one BOS, even if both the text and the tokenizer write it, and never ends with an EOS that
//   the tokenizer appends.
import type { Tokenizer as Codec } from "@huggingface/tokenizers";
import { RatchetError } from "../../errors/index.ts";
import type { ModelConfig } from "../model/types.ts";
import { ChatTemplate, namedTemplates } from "./chat.ts";
import type { ChatMessage } from "./chat.ts";
import { specialText } from "./added-tokens.ts";
import { closesTexts, readTokenizerFiles, specialTexts, usable } from "./files.ts";
import type { AddedToken } from "./added-list.ts";
import type { TokenizerFiles } from "./files.ts";
import { closedAnswer } from "./row-end.ts";
import type { SampledAnswer } from "./row-end.ts";

/** One of both. Plain text is never templated. */
export interface PromptText {
  prompt?: string;
  messages?: ChatMessage[];
}

/** An answer in training. */
export interface AnswerIds {
  ids: number[];
  /** If encoded together, a token would hold characters of both prompt and answer. */
  merged: boolean;
}

export class Tokenizer {
  readonly bosId: number | undefined;
  /** Ends plain training answers. */
  readonly eosId: number;
  readonly padId: number | undefined;
  /** Ids that end a generated answer to any prompt. */
  readonly stopIds: ReadonlySet<number>;
  private readonly codec: Codec;
  private readonly vocabSize: number;
  private readonly closesTexts: boolean;
  private readonly special: ReadonlySet<number>;
  /** Added tokens that are not blank: a template may close a turn by one. */
  private readonly turnEnds: ReadonlySet<number>;
  private readonly closings = new WeakMap<readonly ChatMessage[], readonly number[]>();
  private readonly chat: ChatTemplate | undefined;
  /** Names of templates, none of which is `default`. */
  private readonly otherTemplates: string[];
  private readonly eosText: string;

  private constructor(
    { codec, settings, added, unplaced, chatSource, moreStops }: TokenizerFiles,
    model: ModelConfig,
    dir: string,
  ) {
    this.codec = codec;
    this.vocabSize = model.vocabSize;
    const text = (key: string): string | undefined => specialText(settings[key]);
    const id = (key: string): number | undefined => {
      const token = text(key);
      const found = token === undefined ? undefined : codec.token_to_id(token);
      return found !== undefined && found < model.vocabSize ? found : undefined;
    };
    const eosText = text("eos_token");
    if (eosText !== undefined && (unplaced.has(eosText) || id("eos_token") === undefined))
      throw new RatchetError(
        "tokenizer_mismatch",
        `the tokenizer of ${dir} names the eos_token ${JSON.stringify(eosText)}, which has no id`,
        { hint: "name a token of the vocabulary in tokenizer_config.json: without it no answer can end" },
      );
    this.bosId = id("bos_token") ?? model.bosId;
    const eosId = id("eos_token") ?? model.eosIds[0];
    if (eosId === undefined)
      throw new RatchetError(
        "tokenizer_mismatch",
        `neither the tokenizer nor the config of ${dir} names an end-of-sequence token`,
      );
    this.eosId = eosId;
    this.eosText = eosText ?? codec.id_to_token(eosId) ?? "";
    this.padId = id("pad_token") ?? model.padId;
    this.stopIds = new Set([eosId, ...model.eosIds, ...moreStops]);
    this.closesTexts = closesTexts(codec, eosId);
    const idsOf = (fits: (token: AddedToken) => boolean): Set<number> =>
      new Set(added.filter(fits).map(({ id: tokenId }) => tokenId));
    this.special = idsOf(({ special }) => special);
    this.turnEnds = idsOf(({ content }) => /\S/.test(content));
    if (chatSource !== undefined) this.chat = new ChatTemplate(chatSource, specialTexts(settings));
    this.otherTemplates = namedTemplates(settings["chat_template"]).map(({ name }) => String(name));
  }

  static load(dir: string, model: ModelConfig): Promise<Tokenizer> {
    return usable(dir, async () => new Tokenizer(await readTokenizerFiles(dir, model), model, dir));
  }

  encodePrompt(prompt: PromptText): number[] {
    refuseAnswered(prompt);
    if (prompt.messages)
      return this.onceBos(this.encode(this.template().render(prompt.messages, true), false));
    if (prompt.prompt === undefined)
      throw new RatchetError("prompt_invalid", "a prompt needs `prompt` or `messages`");
    return this.encodePlain(prompt.prompt);
  }

  /**
   * The answer's ids after those of its prompt, including the closing token. Messages need a prompt of
   * messages.
   */
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
      throw new RatchetError(
        "prompt_invalid",
        "the prompt is plain text, but its answer is a list of messages",
      );
    const closed = this.closed(answer);
    return this.tail(promptIds, this.encodePlain(prompt.prompt + closed), closed);
  }

  /** A sampled answer's ids with all that training on its text would read (row-end.ts). */
  closeAnswer(prompt: PromptText, answer: SampledAnswer, promptIds = this.encodePrompt(prompt)): number[] {
    return closedAnswer(answer, {
      closing: this.closing(prompt),
      ends: this.endsOf(prompt),
      decode: (ids) => this.decodeAnswer(promptIds, ids),
      written: (ids) => (ids.length === 0 ? "" : this.written([...ids])),
      encode: (text) => this.encodeAnswer(prompt, text, promptIds).ids,
    });
  }

  /** Largest number of tokens that `closeAnswer` adds to a sampled answer. */
  closingLength(prompt: PromptText): number {
    return Math.max(0, this.closing(prompt).length - 1);
  }

  /**
   * Ids that end a sampled answer: the model's, and for conversations the added token by which the template
   * closes an answer, because training teaches the policy to write it.
   */
  endsOf(prompt: PromptText): ReadonlySet<number> {
    const turnEnd = prompt.messages && this.closing(prompt).find((id) => this.turnEnds.has(id));
    return turnEnd === undefined ? this.stopIds : new Set([...this.stopIds, turnEnd]);
  }

  /** A text without a prompt, with the EOS. */
  encodeText(text: string): number[] {
    return this.encodePlain(this.closed(text));
  }

  /** A whole conversation by its template. */
  encodeConversation(messages: readonly ChatMessage[]): number[] {
    return this.onceBos(this.encode(this.template().render(messages, false), false));
  }

  /**
   * A conversation, and its assistant's tokens by the template's `{% generation %}`. A token with characters
   * on both sides of a border is the assistant's, as in transformers; the row then counts as merged.
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
   * Text of generated ids, without special tokens. Decoders drop a leading space, which is part of an answer
   * that continues the prompt's sentence. So the answer is decoded together with the prompt's text after its
   * last special token, which is then cut off.
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

  /** Ids behind an answer's text, in training. Empty if the template cannot write an answer. */
  private closing(prompt: PromptText): readonly number[] {
    if (!prompt.messages) return [this.eosId];
    const known = this.closings.get(prompt.messages);
    if (known) return known;
    const text = this.template().closing(prompt.messages) ?? "";
    const ids = text === "" ? [] : this.continuation(text);
    this.closings.set(prompt.messages, ids);
    return ids;
  }

  private encodePlain(text: string): number[] {
    const ids = this.encode(text, true);
    // Answers write the EOS themselves; one appended to every text would end the prompt before its answer.
    if (this.closesTexts) ids.pop();
    return this.onceBos(ids);
  }

  private closed(answer: string): string {
    return answer.endsWith(this.eosText) ? answer : answer + this.eosText;
  }

  /** Drops the second BOS that the post-processor adds to a text that begins with one. */
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
   * Ids of a text that continues fixed ids. Encoded alone it could get the space that metaspace tokenizers
   * put at a beginning. So it is encoded after a text whose tokens do not merge with it, and which is then
   * cut off.
   */
  private continuation(text: string): number[] {
    for (const before of [this.eosText, "\n"]) {
      const head = this.tryEncode(before);
      const whole = this.tryEncode(before + text);
      if (head.length === 0 || commonLength(head, whole) < head.length) continue;
      if (this.written(whole) === this.written(head) + text) return whole.slice(head.length);
    }
    return this.encode(text, false);
  }

  /** The text with special tokens. */
  private written(ids: number[]): string {
    return this.codec.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** Empty if the vocabulary lacks a part of the text. */
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
        { hint: "the text has words that are not in its vocabulary" },
      );
    const foreign = ids.findIndex((id: number) => id >= this.vocabSize);
    if (foreign >= 0)
      throw new RatchetError(
        "tokenizer_mismatch",
        `the text has ${JSON.stringify(tokens[foreign])}, token ${ids[foreign]}; ` +
          `the model has ${this.vocabSize} embeddings`,
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
      `the prompt is a list of messages, but the tokenizer ${others}`,
      { hint: "use plain `prompt` text, or a tokenizer with `chat_template`" },
    );
  }
}

/**
 * After an answer the template would begin another one. TRL continues such a prompt when it samples and
 * closes it when it trains.
 */
function refuseAnswered({ messages }: PromptText): void {
  if (messages?.at(-1)?.role !== "assistant") return;
  throw new RatchetError(
    "prompt_invalid",
    "the prompt's last message is the assistant's, which is an answer",
    {
      hint: "leave the last message out; if it is the answer to learn from, give it as the row's answer",
    },
  );
}

/** Number of equal ids at the beginning of both. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((id, i) => id !== b[i]);
  return differs < 0 ? a.length : differs;
}
