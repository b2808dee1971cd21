// Which tokenizers give here the tokens that transformers gives: a list of the parts of tokenizer.json that
// are known to be equal (test/golden/tokenizers measures them), and the settings that contradict them.
import { RatchetError } from "../../errors/index.ts";
import type { TokenizerJson } from "./added-tokens.ts";
import { SLOW_TOKENIZERS } from "./slow-tokenizers.ts";
import { vocabularyOf } from "./added-list.ts";
import type { Json, Part } from "./parts/types.ts";

const EQUAL = {
  normalizer: "Sequence NFC NFD NFKC NFKD Lowercase Strip StripAccents Prepend Replace BertNormalizer".split(
    " ",
  ),
  pre_tokenizer: (
    "Sequence ByteLevel Metaspace Split Whitespace WhitespaceSplit Punctuation Digits " +
    "BertPreTokenizer FixedLength"
  ).split(" "),
  decoder: "Sequence ByteLevel ByteFallback Metaspace Replace Fuse Strip WordPiece BPEDecoder".split(" "),
  post_processor: "Sequence TemplateProcessing ByteLevel BertProcessing RobertaProcessing".split(" "),
  model: "BPE Unigram WordPiece WordLevel".split(" "),
};

/** Members of a sequence, by their key. */
const MEMBERS = ["normalizers", "pretokenizers", "decoders", "processors"];

export function refuseUnequal({ tokenizer, settings, dir }: TokenizerJson): void {
  const refuse = (what: string, hint: string): never => {
    throw new RatchetError("tokenizer_invalid", `the tokenizer of ${dir} has ${what}`, { hint });
  };
  for (const key of Object.keys(EQUAL) as (keyof typeof EQUAL)[])
    for (const part of partsOf(tokenizer[key])) {
      const fault = EQUAL[key].includes(part.type) ? faultOf(part, tokenizer) : `type ${String(part.type)}`;
      if (fault !== undefined)
        refuse(`a ${key} with ${fault}`, "its tokens would differ from those of transformers");
    }
  refuseSettings(tokenizer, settings, refuse);
}

/** The part, or the members of a sequence. */
function partsOf(part: unknown): Part[] {
  if (part === null || part === undefined) return [];
  const members = MEMBERS.map((key) => (part as Json)[key]).find(Array.isArray);
  return members ? [part as Part, ...members.flatMap(partsOf)] : [withType(part as Part)];
}

/** Old files omit the type of a model. */
function withType(part: Part): Part {
  if (part.type !== undefined || part["vocab"] === undefined) return part;
  const isList = Array.isArray(part["vocab"]);
  const type = isList
    ? "Unigram"
    : "merges" in part
      ? "BPE"
      : part["continuing_subword_prefix"]
        ? "WordPiece"
        : "WordLevel";
  return { ...part, type };
}

/** What of a part is not computed. */
function faultOf(part: Part, tokenizer: Json): string | undefined {
  if (part.type === "BPE") {
    if (typeof part["dropout"] === "number" && part["dropout"] > 0) return `dropout ${part["dropout"]}`;
    if (part["continuing_subword_prefix"]) return "a continuing_subword_prefix";
  }
  if (part.type === "Sequence" && "processors" in part) {
    const writing = partsOf(part).filter(({ type }) => type !== "Sequence" && type !== "ByteLevel");
    if (writing.length > 1) return `${writing.length} processors that write tokens`;
  }
  if (part.type === "TemplateProcessing") return templateFault(part, tokenizer);
  return undefined;
}

interface Inserted {
  id: string;
  ids: number[];
}

function templateFault(part: Part, tokenizer: Json): string | undefined {
  const vocabulary = new Map(vocabularyOf(tokenizer));
  for (const { content, id } of (tokenizer["added_tokens"] ?? []) as { content: string; id: number }[])
    vocabulary.set(content, id);
  const items = (part["single"] ?? []) as { SpecialToken?: { id: string } }[];
  const used = new Set(items.map(({ SpecialToken }) => SpecialToken?.id));
  const wrong = Object.values((part["special_tokens"] ?? {}) as Record<string, Inserted>).find(
    ({ id, ids }) => used.has(id) && (ids.length !== 1 || ids[0] !== vocabulary.get(id)),
  );
  return wrong && `the special token ${JSON.stringify(wrong.id)} of other ids than its own`;
}

type Refuse = (what: string, hint: string) => never;

function refuseSettings(tokenizer: Json, settings: Json, refuse: Refuse): void {
  const { tokenizer_class: name, split_special_tokens: splits } = settings;
  if (splits === true)
    refuse("split_special_tokens true", "special tokens in a text would be written out in letters");
  if (typeof name === "string" && SLOW_TOKENIZERS.has(name))
    refuse(`tokenizer_class ${name}`, "transformers does not read tokenizer.json for this class");
  if (settings["add_bos_token"] === true && !writesFirst(tokenizer))
    refuse(
      "add_bos_token true, but the post_processor of tokenizer.json writes no token at the beginning",
      "transformers reads tokenizer.json: set add_bos_token to false, or give the post_processor the token",
    );
}

/** Whether the post-processor writes a token before a text. */
function writesFirst(tokenizer: Json): boolean {
  return partsOf(tokenizer["post_processor"]).some(
    (part) =>
      part.type === "BertProcessing" ||
      part.type === "RobertaProcessing" ||
      (part.type === "TemplateProcessing" &&
        "SpecialToken" in ((part["single"] as Json[] | undefined)?.[0] ?? {})),
  );
}
