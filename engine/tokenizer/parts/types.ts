// The parts of a tokenizer.json as @huggingface/tokenizers makes them: what this folder corrects in them.

export type Json = Record<string, unknown>;

/** A part in JSON: `type` and its settings. */
export type Part = { type: string } & Json;

/** What the library made of a part. A sequence has its members; a part with a pattern has it compiled. */
export interface Made {
  normalizers?: Made[];
  tokenizers?: Made[];
  decoders?: Made[];
  pattern?: RegExp;
  normalize?(text: string): string;
  decode_chain?(tokens: string[]): string[];
}

/** Unicode's White_Space: JavaScript's `\s` has U+FEFF in its place and lacks U+0085. */
export const BLANK = "\\p{White_Space}";
