// Decoders as tokenizers' Rust code computes them. The library reads bytes that are no character in another
// way, and always drops a first space.
import { replacer } from "./normalizers.ts";
import { BYTE_CHARACTERS } from "./pre-tokenizers.ts";
import type { Made, Part } from "./types.ts";

type Decode = (tokens: string[]) => string[];

/** `made`: what the library made of the part. */
export function decoderOf(part: Part, made: Made): Decode {
  switch (part.type) {
    case "Sequence":
      return sequenceOf(part["decoders"] as Part[], made);
    case "ByteLevel":
      return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap(bytesOf)))];
    case "ByteFallback":
      return byteFallback;
    case "Metaspace":
      return (tokens) => metaspace(tokens, part);
    case "Replace": {
      const replace = replacer(part, made);
      return (tokens) => tokens.map(replace);
    }
    default:
      return (tokens) => made.decode_chain!(tokens);
  }
}

function sequenceOf(parts: Part[], { decoders = [] }: Made): Decode {
  const steps = parts.map((part, i) => decoderOf(part, decoders[i]!));
  return (tokens) => steps.reduce((all, step) => step(all), tokens);
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();
const BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** A token with another character, such as an added token, is its own text. */
function bytesOf(token: string): number[] {
  const bytes = Array.from(token, (character) => BYTES.get(character));
  return bytes.every((byte) => byte !== undefined) ? bytes : [...encoder.encode(token)];
}

/** Joins `<0x..>` tokens in a row. If they are not UTF-8, each is a replacement character. */
function byteFallback(tokens: string[]): string[] {
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) texts.push(...textOf(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
    if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
}

function textOf(bytes: number[]): string[] {
  try {
    return [strictUtf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => "\ufffd");
  }
}

function metaspace(tokens: string[], part: Part): string[] {
  const replacement = String(part["replacement"] ?? "▁");
  const never =
    (part["prepend_scheme"] ?? (part["add_prefix_space"] === false ? "never" : "always")) === "never";
  // Of the first token all are dropped.
  return tokens.map((token, i) => token.replaceAll(replacement, i === 0 && !never ? "" : " "));
}
