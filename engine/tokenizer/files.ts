// The files of a tokenizer, read and checked against the model.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as Codec } from "@huggingface/tokenizers";
import { RatchetError } from "../../errors/index.ts";
import { readJson } from "../checkpoint/checkpoint.ts";
import type { ModelConfig } from "../model/types.ts";
import { chooseTemplate } from "./chat.ts";

export type Json = Record<string, unknown>;

export interface TokenizerFiles {
  codec: Codec;
  /** tokenizer_config.json */
  settings: Json;
  chatSource: string | undefined;
  /** Ids of generation_config.json that end an answer. */
  moreStops: number[];
}

/**
 * Reads tokenizer.json, tokenizer_config.json and, if they exist, chat_template.jinja and
 * generation_config.json.
 */
export async function readTokenizerFiles(dir: string, model: ModelConfig): Promise<TokenizerFiles> {
  const settings = (await readJson(join(dir, "tokenizer_config.json"))) as Json;
  const codec = makeCodec((await readJson(join(dir, "tokenizer.json"))) as Json, settings, dir);
  checkVocabulary(codec, model, dir);
  const chatSource =
    (await readOptional(join(dir, "chat_template.jinja"))) ?? chooseTemplate(settings["chat_template"]);
  return { codec, settings, chatSource, moreStops: await generationStops(dir) };
}

/** Whether the tokenizer appends the EOS to every text. */
export function closesTexts(codec: Codec, eosId: number): boolean {
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
        `token ${JSON.stringify(token)} of ${dir} has id ${id}; the model has ${model.vocabSize} embeddings`,
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

/** A special token in the settings is a text or an object with `content`. */
export function specialText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

/** `bos_token`, `eos_token`, `unk_token` and so on. */
export function specialTexts(settings: Json): Record<string, string> {
  const texts = Object.entries(settings).map(
    ([key, value]) => [key, key.endsWith("_token") ? specialText(value) : undefined] as const,
  );
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
