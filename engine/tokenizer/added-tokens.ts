// The added tokens and the special tokens of a tokenizer, from all files that transformers (5.23) reads:
// - tokenizer.json: `added_tokens`;
// - tokenizer_config.json: `added_tokens_decoder`, whose flags come before those of tokenizer.json, the named
//   tokens (`eos_token`, …), and `extra_special_tokens`, in older files `additional_special_tokens`;
// - special_tokens_map.json, which comes before tokenizer_config.json, unless that has an
//   `added_tokens_decoder`: then the file is not read;
// - added_tokens.json, under the same condition.
// A named token is an added token, also if its text is an ordinary piece of the vocabulary.
import { RatchetError } from "../../errors/index.ts";
import { addedIn, AddedTokens } from "./added-list.ts";
import type { AddedToken, Flags, Json } from "./added-list.ts";

/** The parsed files of a folder. */
export interface TokenizerJson {
  dir: string;
  /** tokenizer.json */
  tokenizer: Json;
  /** tokenizer_config.json */
  settings: Json;
  /** special_tokens_map.json */
  specialMap?: Json | undefined;
  /** added_tokens.json */
  addedTokens?: Json | undefined;
}

export interface TokenFacts {
  /** tokenizer_config.json with the special tokens that count. */
  settings: Json;
  /** All added tokens. */
  added: AddedToken[];
  /** Contents of added tokens without an id in any file. They get the next free ids, as in transformers. */
  unplaced: ReadonlySet<string>;
}

/** The named tokens of every tokenizer. Others that end in `_token` are a model's own. */
const NAMES = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

export function tokenFacts(files: TokenizerJson): TokenFacts {
  const settings = effectiveSettings(files);
  refuseLostTokens(files);
  const list = new AddedTokens(files.tokenizer, files.dir);
  const decoder = decoderTokens(files);
  for (const [id, content, flags] of decoder) list.put(content, flags, id, files.dir);
  const named = namedTokens(settings);
  // Where there is an `added_tokens_decoder`, other tokens keep their flags.
  const listed =
    "added_tokens_decoder" in settings ? new Set(decoder.map(([, content]) => content)) : undefined;
  for (const { content } of named) if (listed?.has(content) ?? true) list.markSpecial(content);
  // If a named token is an extra one too, the flags of the latter count.
  const fresh = [...named, ...extraTokens(settings)].filter(({ content }) => !list.has(content));
  for (const { content, flags } of fresh) list.put(content, { ...flags, special: true });
  return { settings, added: list.all(), unplaced: list.unplaced };
}

/** A special token in the settings is a text or an object with `content`. */
export function specialText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === "string" ? content : undefined;
}

function effectiveSettings({ settings, specialMap }: TokenizerJson): Json {
  const { additional_special_tokens: older, ...rest } = settings;
  const renamed = filled(rest["extra_special_tokens"])
    ? settings
    : { ...rest, ...(older !== undefined && { extra_special_tokens: older }) };
  if (!specialMap || "added_tokens_decoder" in settings) return renamed;
  const { extra_special_tokens: extra, additional_special_tokens: olderExtra, ...map } = specialMap;
  const named = { ...renamed, ...map };
  if (extra !== undefined)
    return { ...named, extra_special_tokens: [...listOf(renamed["extra_special_tokens"]), ...listOf(extra)] };
  return olderExtra !== undefined && !("extra_special_tokens" in renamed)
    ? { ...named, extra_special_tokens: olderExtra }
    : named;
}

const filled = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** `added_tokens_decoder`, by id. */
function decoderTokens({ settings, dir }: TokenizerJson): [id: number, content: string, flags: Flags][] {
  return Object.entries((settings["added_tokens_decoder"] ?? {}) as Json)
    .map(([id, token]): [number, string, Flags] => {
      const content = specialText(token);
      if (content === undefined || typeof token === "string" || !/^\d+$/.test(id))
        throw new RatchetError(
          "tokenizer_invalid",
          `added_tokens_decoder in tokenizer_config.json of ${dir} has ${JSON.stringify(token)} ` +
            `for id ${id}, which is not a token`,
        );
      return [Number(id), content, token as Flags];
    })
    .sort(([one], [other]) => one - other);
}

/** In the order of NAMES; a model's own after them. */
function namedTokens(settings: Json): { content: string; flags: Flags }[] {
  const own = Object.keys(settings).filter((key) => key.endsWith("_token") && !NAMES.includes(key));
  return [...NAMES, ...own].flatMap((key) => tokenOf(settings[key]));
}

function extraTokens(settings: Json): { content: string; flags: Flags }[] {
  const extra = settings["extra_special_tokens"] ?? [];
  return (Array.isArray(extra) ? extra : Object.values(extra)).flatMap(tokenOf);
}

function tokenOf(value: unknown): { content: string; flags: Flags }[] {
  const content = specialText(value);
  if (content === undefined || content === "") return [];
  return [{ content, flags: typeof value === "object" ? (value as Flags) : {} }];
}

/** added_tokens.json may only repeat what tokenizer.json has: the file is not copied with a model. */
export function refuseLostTokens({ tokenizer, settings, addedTokens, dir }: TokenizerJson): void {
  if (!addedTokens || "added_tokens_decoder" in settings) return;
  const known = new Map(addedIn(tokenizer).map(({ content, id }) => [content, id]));
  for (const [content, id] of Object.entries(addedTokens))
    if (known.get(content) !== id)
      throw new RatchetError(
        "tokenizer_invalid",
        `added_tokens.json of ${dir} has token ${JSON.stringify(content)} with id ${String(id)}, ` +
          "and tokenizer.json does not",
        {
          hint: "load the tokenizer with transformers and save it again: then tokenizer.json has all tokens",
        },
      );
}
