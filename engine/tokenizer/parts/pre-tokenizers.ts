// Pre-tokenizers as tokenizers' Rust code computes them. The library treats every behavior of a split as
// Isolated or Removed, does not split at ▁, and takes JavaScript's white space, digits and word characters.
import { BLANK } from "./types.ts";
import type { Made, Part } from "./types.ts";
import { split } from "./split.ts";
import type { Behavior } from "./split.ts";

/** `first`: whether the text begins the whole text. */
export type PreTokenize = (text: string, first: boolean) => string[];

const WORD = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}";
const WORDS = new RegExp(`[${WORD}]+|[^${WORD}${BLANK}]+`, "gu");
const BLANKS = new RegExp(BLANK, "gu");
const PUNCTUATION = /[!-/:-@[-`{-~]|\p{P}/gu;
const GPT2 = new RegExp(
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+" +
    `| ?[^${BLANK}\\p{L}\\p{N}]+|${BLANK}+(?!\\P{White_Space})|${BLANK}+`,
  "gu",
);

/** `made`: what the library made of the part. */
export function preTokenizerOf(part: Part, made: Made): PreTokenize {
  switch (part.type) {
    case "Sequence":
      return sequenceOf(part["pretokenizers"] as Part[], made);
    case "BertPreTokenizer":
      return (text) => split(text, BLANKS, "Removed").flatMap((word) => split(word, PUNCTUATION, "Isolated"));
    case "Whitespace":
      return (text) => split(text, WORDS, "Removed", true);
    case "WhitespaceSplit":
      return (text) => split(text, BLANKS, "Removed");
    case "ByteLevel":
      return (text) => byteLevel(text, part);
    case "Metaspace":
      return (text, first) => metaspace(text, part, first);
    case "Split":
      return splitter(part, made);
    case "Punctuation":
      return (text) => split(text, PUNCTUATION, (part["behavior"] ?? "Isolated") as Behavior);
    case "Digits":
      return (text) => split(text, /\p{N}/gu, part["individual_digits"] === true ? "Isolated" : "Contiguous");
    default:
      return (text) => fixedLength(text, part["length"] as number);
  }
}

function sequenceOf(parts: Part[], { tokenizers = [] }: Made): PreTokenize {
  const steps = parts.map((part, i) => preTokenizerOf(part, tokenizers[i]!));
  return (text, first) =>
    steps.reduce((pieces, step) => pieces.flatMap((piece, i) => step(piece, first && i === 0)), [text]);
}

function splitter({ pattern, behavior, invert }: Part, made: Made): PreTokenize {
  const { String: literal } = pattern as { String?: string };
  const compiled =
    literal === undefined ? made.pattern! : new RegExp(literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gu");
  return (text) => split(text, compiled, behavior as Behavior, invert === true);
}

function metaspace(text: string, part: Part, first: boolean): string[] {
  const replacement = String(part["replacement"] ?? "▁");
  const scheme = part["prepend_scheme"] ?? (part["add_prefix_space"] === false ? "never" : "always");
  const written = text.replaceAll(" ", replacement);
  const prepends = !written.startsWith(replacement) && (scheme === "always" || (scheme === "first" && first));
  const whole = prepends ? replacement + written : written;
  if (part["split"] === false) return [whole];
  // A piece begins at each replacement.
  const pieces = whole.split(replacement);
  return pieces.map((piece, i) => (i === 0 ? piece : replacement + piece)).filter((piece) => piece !== "");
}

function fixedLength(text: string, length: number): string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / length);
  return Array.from({ length: count }, (_, i) => characters.slice(i * length, (i + 1) * length).join(""));
}

// ---------------------------------------------------------------- bytes

/** GPT-2's characters for bytes: printable ones stand for themselves, the others follow from U+0100. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(/[!-~¡-¬®-ÿ]/.test(String.fromCharCode(byte)) ? byte : 256 + others++),
  );
}

const encoder = new TextEncoder();

function byteLevel(text: string, { add_prefix_space, use_regex }: Part): string[] {
  const spaced = add_prefix_space === true && !text.startsWith(" ") ? ` ${text}` : text;
  const words = use_regex === false ? [spaced] : split(spaced, GPT2, "Isolated");
  return words.map((word) => Array.from(encoder.encode(word), (byte) => BYTE_CHARACTERS[byte]).join(""));
}
