// The `stop` setting: an answer ends at a token id, or at a text that may span tokens. As in vLLM, the
// answer's ids include all drawn tokens, and its text is cut before the stop string.

/** Text of `ids` after `before`. */
export type Decode = (before: readonly number[], ids: readonly number[]) => string;

/** Tokens before the window, so the decoder joins its tokens as in the whole text. */
const CONTEXT_TOKENS = 4;

export class StopRule {
  private readonly ids: ReadonlySet<number>;
  private readonly strings: readonly string[];
  private readonly decode: Decode;
  /**
   * Number of tokens that surely hold any stop string: a token has at least one byte, and the first may begin
   * inside a character.
   */
  private readonly window: number;
  private readonly lastCharacters: readonly string[];
  private readonly known = new Map<number, boolean>();

  constructor(stops: readonly (string | number)[], decode: Decode) {
    this.ids = new Set(stops.filter((stop) => typeof stop === "number"));
    this.strings = stops.filter((stop) => typeof stop === "string");
    this.decode = decode;
    this.window = 4 + Math.max(0, ...this.strings.map((text) => Buffer.byteLength(text)));
    this.lastCharacters = this.strings.map((text) => [...text].at(-1)!);
  }

  /** Whether the last of `ids` ends the answer. Call it after each token. */
  reached(promptIds: readonly number[], ids: readonly number[]): boolean {
    const newest = ids.at(-1)!;
    if (this.ids.has(newest)) return true;
    if (!this.mayEnd(newest)) return false;
    const from = Math.max(0, ids.length - this.window);
    const before = from === 0 ? promptIds : ids.slice(0, from);
    const text = this.decode(before.slice(-CONTEXT_TOKENS), ids.slice(from));
    return this.strings.some((string) => text.includes(string));
  }

  /** The text before its first stop string. */
  cut(text: string): string {
    const ends = this.strings.map((string) => text.indexOf(string)).filter((at) => at >= 0);
    return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
  }

  /**
   * Whether a stop string may end in this token. Most tokens hold no last character, and decoding the window
   * is slow.
   */
  private mayEnd(id: number): boolean {
    if (this.strings.length === 0) return false;
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const text = this.decode([], [id]);
    // Decoding a single token drops spaces, and a part of a character becomes the replacement character.
    const may =
      this.lastCharacters.some((character) => /\s/.test(character) || text.includes(character)) ||
      text.includes("\ufffd");
    this.known.set(id, may);
    return may;
  }
}
