// Corrects the parts of @huggingface/tokenizers in which it differs from the Rust library that transformers
// uses. test/golden/tokenizers measures every kind of part. Only the models stay the library's: BPE, unigram,
// WordPiece and word-level.
import type { Tokenizer as Codec } from "@huggingface/tokenizers";
import type { AddedToken } from "../added-list.ts";
import { AddedSplitter } from "./added-splitter.ts";
import type { Dictionary } from "./added-splitter.ts";
import { decoderOf } from "./decoders.ts";
import { normalizerOf } from "./normalizers.ts";
import { preTokenizerOf } from "./pre-tokenizers.ts";
import type { Json, Made, Part } from "./types.ts";

interface Model {
  (pieces: string[]): string[];
  tokens_to_ids: ReadonlyMap<string, number>;
  config: { byte_fallback?: boolean; end_of_word_suffix?: string };
}

/** What the library's class keeps. */
interface Inside {
  normalizer: Made | null;
  pre_tokenizer: Made | null;
  decoder: ((tokens: string[]) => string) | (Made & { decode_chain(tokens: string[]): string[] }) | null;
  model: Model;
  splitter_unnormalized: Dictionary;
  added_tokens_map: Map<string, AddedToken>;
  encode_text(text: string | null): string[] | null;
}

export function correctCodec(codec: Codec, tokenizer: Json, added: readonly AddedToken[]): void {
  const inside = codec as unknown as Inside;
  const part = (key: string): Part | undefined => (tokenizer[key] ?? undefined) as Part | undefined;
  const [normalizer, preTokenizer, decoder] = [part("normalizer"), part("pre_tokenizer"), part("decoder")];
  const normalize = normalizer ? normalizerOf(normalizer, inside.normalizer!) : (text: string) => text;
  const cut = preTokenizer ? preTokenizerOf(preTokenizer, inside.pre_tokenizer!) : (text: string) => [text];
  if (decoder) {
    const decode = decoderOf(decoder, inside.decoder as Made);
    inside.decoder = (tokens) => decode(tokens).join("");
  }
  const tokenize = modelOf(tokenizer["model"] as Json, inside.model);
  inside.added_tokens_map = new Map(added.map((token) => [token.content, token]));
  const asIs = new AddedSplitter(patterns(added, false), dictionaries(inside));
  const inNormalized = new AddedSplitter(patterns(added, true, normalize), dictionaries(inside));
  inside.encode_text = (text) => {
    if (text === null) return null;
    return asIs.split(text).flatMap((section, i) => {
      if (section.token) return [section.text];
      return inNormalized.split(normalize(section.text)).flatMap(({ text: piece, token }, j) => {
        if (token) return [piece];
        // Piece by piece, because unknown characters of two pieces are not fused.
        return cut(piece, i === 0 && j === 0).flatMap(tokenize);
      });
    });
  };
}

const dictionaries = ({ splitter_unnormalized: made }: Inside): ((words: string[]) => Dictionary) => {
  const Trie = made.constructor as new (words: string[]) => Dictionary;
  return (words) => new Trie(words);
};

function patterns(
  added: readonly AddedToken[],
  normalized: boolean,
  normalize: (text: string) => string = (text) => text,
): Map<string, AddedToken> {
  return new Map(
    added
      .filter((token) => token.content !== "" && token.normalized === normalized)
      .map((token) => [normalize(token.content), token]),
  );
}

/** Tokens of one piece. */
function modelOf(part: Json, model: Model): (piece: string) => string[] {
  if (part["type"] === "Unigram" && part["byte_fallback"] === true)
    return (piece) => model([piece]).flatMap((token) => fallenBack(token, model));
  if ((part["unk_token"] ?? null) === null && "merges" in part)
    return (piece) => model([model.tokens_to_ids.has(piece) ? piece : knownOf(piece, model)]);
  return (piece) => model([piece]);
}

/** The library's unigram model has no `byte_fallback`: a piece without a token is its bytes' tokens. */
function fallenBack(token: string, { tokens_to_ids: ids }: Model): string[] {
  if (ids.has(token)) return [token];
  const bytes = Array.from(encoder.encode(token), byteToken);
  return bytes.every((name) => ids.has(name)) ? bytes : [token];
}

const encoder = new TextEncoder();

/** Without an unknown token BPE drops unknown characters before it merges. The library does so afterwards. */
function knownOf(piece: string, { config, tokens_to_ids: ids }: Model): string {
  if (config.byte_fallback || config.end_of_word_suffix) return piece;
  const characters = Array.from(piece);
  return characters.every((character) => ids.has(character))
    ? piece
    : characters.filter((character) => ids.has(character)).join("");
}

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
