// Normalizers as tokenizers' Rust code computes them, where JavaScript's strings differ: white space, lower
// case (by character, so a final sigma is like every other), characters of newer Unicode versions, `$` in a
// replacement, and characters beyond U+FFFF.
import { foldNothingNew, withoutMarks } from "./unicode.ts";
import { BLANK } from "./types.ts";
import type { Made, Part } from "./types.ts";

export type Normalize = (text: string) => string;

const LEADING = new RegExp(`^${BLANK}+`, "u");
const TRAILING = new RegExp(`${BLANK}+$`, "u");

const lower: Normalize = (text) => Array.from(text, (character) => character.toLowerCase()).join("");

/** `made`: what the library made of the part. */
export function normalizerOf(part: Part, made: Made): Normalize {
  switch (part.type) {
    case "Sequence":
      return sequenceOf(part["normalizers"] as Part[], made);
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return foldNothingNew(part.type);
    case "Lowercase":
      return lower;
    case "StripAccents":
      return withoutMarks;
    case "Strip":
      return (text) => stripped(text, part);
    case "Prepend":
      return (text) => (text === "" ? "" : String(part["prepend"]) + text);
    case "Replace":
      return replacer(part, made);
    case "BertNormalizer":
      return (text) => bert(text, part);
    default:
      return (text) => made.normalize!(text);
  }
}

function sequenceOf(parts: Part[], { normalizers = [] }: Made): Normalize {
  const steps = parts.map((part, i) => normalizerOf(part, normalizers[i]!));
  return (text) => steps.reduce((all, step) => step(all), text);
}

function stripped(text: string, { strip_left: left, strip_right: right }: Part): string {
  const begun = left === true ? text.replace(LEADING, "") : text;
  return right === true ? begun.replace(TRAILING, "") : begun;
}

export function replacer({ content = "" }: Part, { pattern }: Made): Normalize {
  return (text) => text.replaceAll(pattern!, () => String(content));
}

/** Control characters but tab and line ends; also private ones, unassigned ones are kept. */
const CONTROL = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu;
const CHINESE = new RegExp(
  "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}" +
    "\\u{2b920}-\\u{2ceaf}\\uf900-\\ufaff\\u{2f800}-\\u{2fa1f}]",
  "gu",
);
const BLANKS = new RegExp(BLANK, "gu");

function bert(text: string, { clean_text, handle_chinese_chars, strip_accents, lowercase }: Part): string {
  const clean = clean_text ? text.replace(CONTROL, "").replace(BLANKS, " ") : text;
  const spaced = handle_chinese_chars ? clean.replace(CHINESE, (character) => ` ${character} `) : clean;
  const accents = (strip_accents ?? lowercase) === true;
  const plain = accents ? spaced.normalize("NFD").replace(/\p{Mn}/gu, "") : spaced;
  return lowercase ? lower(plain) : plain;
}
