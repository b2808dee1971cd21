// The files of a tokenizer, read as transformers reads them and checked against the model.
import { join } from "node:path";
import { Tokenizer as Codec } from "@huggingface/tokenizers";
import { RatchetError } from "../../errors/index.ts";
import { ids } from "../checkpoint/config-values.ts";
import { readJson, readText, show } from "../checkpoint/read-json.ts";
import type { ModelConfig } from "../model/types.ts";
import { vocabularyOf } from "./added-list.ts";
import type { AddedToken, Json } from "./added-list.ts";
import { refuseLostTokens, specialText, tokenFacts } from "./added-tokens.ts";
import type { TokenizerJson } from "./added-tokens.ts";
import { chooseTemplate } from "./chat.ts";
import { refuseUnequal } from "./equal-parts.ts";
import { correctCodec } from "./parts/index.ts";

export interface TokenizerFiles {
  codec: Codec;
  /** tokenizer_config.json, with the special tokens that count. */
  settings: Json;
  added: readonly AddedToken[];
  /** Added tokens to which no file gives an id. */
  unplaced: ReadonlySet<string>;
  chatSource: string | undefined;
  /** Ids of generation_config.json that end an answer. */
  moreStops: number[];
}

/**
 * Reads tokenizer.json, tokenizer_config.json and, if they exist, special_tokens_map.json, added_tokens.json,
 * chat_template.jinja and generation_config.json.
 */
export async function readTokenizerFiles(dir: string, model: ModelConfig): Promise<TokenizerFiles> {
  const files = await readTokenizerJson(dir);
  const { settings, added, unplaced } = tokenFacts(files);
  refuseUnequal({ ...files, settings });
  checkVocabulary(files.tokenizer, model, dir);
  const codec = makeCodec(files.tokenizer, added, dir);
  const chatSource =
    (await ifPresent(readText(join(dir, "chat_template.jinja")))) ??
    chooseTemplate(settings["chat_template"]);
  return { codec, settings, added, unplaced, chatSource, moreStops: await generationStops(dir) };
}

/** Throws if a folder has a token in a file that is not copied with a model. */
export const checkTokenizerFolder = (dir: string): Promise<void> =>
  usable(dir, async () => refuseLostTokens(await readTokenizerJson(dir)));

/** A TypeError means that a member of a file has another type than transformers writes. */
export async function usable<T>(dir: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new RatchetError("tokenizer_invalid", `the tokenizer of ${dir} cannot be used: ${cause.message}`, {
      hint: "load the tokenizer with transformers and save it again",
      cause,
    });
  }
}

/** Ids of all tokens to which a file gives an id, and the settings with the special tokens that count. */
export const readVocabulary = (dir: string): ReturnType<typeof vocabularyOfFolder> =>
  usable(dir, () => vocabularyOfFolder(dir));

async function vocabularyOfFolder(dir: string): Promise<{ vocabulary: Map<string, number>; settings: Json }> {
  const files = await readTokenizerJson(dir);
  const { settings, added, unplaced } = tokenFacts(files);
  const placed = added.filter(({ content }) => !unplaced.has(content));
  return {
    vocabulary: new Map([
      ...vocabularyOf(files.tokenizer),
      ...placed.map(({ content, id }) => [content, id] as const),
    ]),
    settings,
  };
}

async function readTokenizerJson(dir: string): Promise<TokenizerJson> {
  const settings = await readObject(join(dir, "tokenizer_config.json"));
  const tokenizer = await readObject(join(dir, "tokenizer.json"));
  const specialMap = await ifPresent(readObject(join(dir, "special_tokens_map.json")));
  const addedTokens = await ifPresent(readObject(join(dir, "added_tokens.json")));
  return { dir, tokenizer, settings, specialMap, addedTokens };
}

async function readObject(path: string): Promise<Json> {
  const value = await readJson(path);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new RatchetError("tokenizer_invalid", `${path} is ${show(value)}, which is not a JSON object`, {
    hint: "load the tokenizer with transformers and save it again",
  });
}

/** Undefined if the file does not exist. */
const ifPresent = <T>(reading: Promise<T>): Promise<T | undefined> =>
  reading.catch((error: RatchetError) => {
    if (error.code === "artifact_missing") return undefined;
    throw error;
  });

/** Whether the tokenizer appends the EOS to every text. */
export function closesTexts(codec: Codec, eosId: number): boolean {
  const last = (special: boolean): number | undefined =>
    codec.encode("a", { add_special_tokens: special }).ids.at(-1);
  return last(true) === eosId && last(false) !== eosId;
}

/** The settings of tokenizer_config.json decide nothing here, as in transformers. */
export function makeCodec(tokenizer: Json, added: readonly AddedToken[], dir: string): Codec {
  const { unk_token } = (tokenizer["model"] ?? {}) as { unk_token?: unknown };
  try {
    const codec = new Codec({ ...tokenizer, added_tokens: added }, { unk_token });
    correctCodec(codec, tokenizer, added);
    return codec;
  } catch (cause) {
    throw new RatchetError(
      "tokenizer_invalid",
      `tokenizer.json of ${dir} cannot be used: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Tokens of tokenizer.json. An id that another file gives is checked when a text needs it. */
function checkVocabulary(tokenizer: Json, model: ModelConfig, dir: string): void {
  const added = ((tokenizer["added_tokens"] ?? []) as AddedToken[]).map(
    ({ content, id }) => [content, id] as const,
  );
  for (const [token, id] of [...vocabularyOf(tokenizer), ...added])
    if (id >= model.vocabSize)
      throw new RatchetError(
        "tokenizer_mismatch",
        `token ${JSON.stringify(token)} of ${dir} has id ${id}; the model has ${model.vocabSize} embeddings`,
        { hint: "use the tokenizer that the model was trained with" },
      );
}

/** Chat models list their end-of-turn tokens in generation_config.json. */
async function generationStops(dir: string): Promise<number[]> {
  const path = join(dir, "generation_config.json");
  return ids((await ifPresent(readObject(path))) ?? {}, "eos_token_id", path);
}

/** `bos_token`, `eos_token`, `unk_token` and so on. */
export function specialTexts(settings: Json): Record<string, string> {
  const texts = Object.entries(settings).map(
    ([key, value]) => [key, key.endsWith("_token") ? specialText(value) : undefined] as const,
  );
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
