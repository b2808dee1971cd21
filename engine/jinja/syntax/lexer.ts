// Text and tags of a template, by the rules of jinja2/lexer.py with trim_blocks and lstrip_blocks, which
// transformers switches on: the line break behind a block tag is dropped, and so are blanks before a block or
// comment tag that begins a line.
import { spendBits } from "../budget.ts";
import { pythonError } from "../errors.ts";
import { trimEnd, WHITESPACE } from "../values/text.ts";
import { decodeEscapes } from "./strings.ts";

export type TokenType =
  "data" | "name" | "string" | "integer" | "float" | "operator" | "begin" | "end" | "eof";

export interface Token {
  type: TokenType;
  /** The text of an operator, `{{` or `{%` of a beginning, `}}` or `%}` of an end. */
  value: string;
  line: number;
  /** Of integers and floats. */
  number?: number | bigint;
}

const SPACE = `[${WHITESPACE}]`;
const OPENING = /\{(?:%([-+]?)(SPACE*rawSPACE*(?:-%\}SPACE*|%\}))?|\{([-+]?)|#([-+]?))/;
const OPEN = new RegExp(OPENING.source.replaceAll("SPACE", SPACE), "g");
const BLOCK_END = sticky(`\\+%\\}|-%\\}${SPACE}*|%\\}\\n?`);
const PRINT_END = sticky(`-\\}\\}${SPACE}*|\\}\\}`);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}${SPACE}*|#\\}\\n?`, "g");
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, "g");

const BLANKS = sticky(`${SPACE}+`);
const FLOAT = sticky(
  "(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?e[+\\-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)",
  "i",
);
const INTEGER = sticky("0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\\da-f])+|[1-9](?:_?\\d)*|0(?:_?0)*", "i");
const NAME = sticky("[\\p{XID_Start}_][\\p{XID_Continue}]*");
const STRING = sticky(`'[^'\\\\]*(?:\\\\[^][^'\\\\]*)*'|"[^"\\\\]*(?:\\\\[^][^"\\\\]*)*"`);
const OPERATOR = sticky("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");

const CLOSES: Record<string, string> = { "{": "}", "(": ")", "[": "]" };

function sticky(source: string, flags = ""): RegExp {
  return new RegExp(source, `yu${flags}`);
}

export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private at = 0;
  private line = 1;
  /** Whether the text before the next tag begins a line. */
  private startsLine = true;

  constructor(source: string) {
    const lines = source.replace(/\r\n|\r/g, "\n");
    this.source = lines.endsWith("\n") ? lines.slice(0, -1) : lines;
  }

  run(): Token[] {
    for (;;) {
      OPEN.lastIndex = this.at;
      const found = OPEN.exec(this.source);
      if (!found) break;
      this.opening(found);
    }
    this.data(this.source.slice(this.at));
    this.push("eof", "");
    return this.tokens;
  }

  private opening(found: RegExpExecArray): void {
    const [tag, blockSign, raw, printSign, commentSign] = found;
    const before = this.source.slice(this.at, found.index);
    const sign = blockSign ?? printSign ?? commentSign ?? "";
    this.data(this.stripped(before, sign, printSign !== undefined), before);
    this.move(found.index + tag.length);
    if (raw !== undefined) this.raw();
    else if (commentSign !== undefined) this.comment();
    else this.inside(tag.startsWith("{{") ? "{{" : "{%");
  }

  private stripped(text: string, sign: string, prints: boolean): string {
    if (sign === "-") return trimEnd(text);
    if (sign === "+" || prints) return text;
    const lineStart = text.lastIndexOf("\n") + 1;
    const blank = lineStart < text.length && trimEnd(text.slice(lineStart)) === "";
    return blank && (lineStart > 0 || this.startsLine) ? text.slice(0, lineStart) : text;
  }

  private raw(): void {
    const found = this.find(RAW_END, "Missing end of raw directive");
    const text = this.source.slice(this.at, found.index);
    this.data(this.stripped(text, found[1]!, false), text);
    this.move(found.index + found[0].length);
  }

  private comment(): void {
    const found = this.find(COMMENT_END, "Missing end of comment tag");
    this.move(found.index + found[0].length);
  }

  private find(pattern: RegExp, missing: string): RegExpExecArray {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source);
    if (!found) throw this.failure(missing);
    return found;
  }

  /** The tokens up to the end of a tag; an end inside brackets is no end. */
  private inside(begin: "{{" | "{%"): void {
    this.push("begin", begin);
    const end = begin === "{{" ? PRINT_END : BLOCK_END;
    const open: string[] = [];
    for (;;) {
      const closing = open.length === 0 ? this.match(end) : undefined;
      if (closing !== undefined) {
        this.push("end", begin === "{{" ? "}}" : "%}");
        this.move(this.at + closing.length);
        return;
      }
      const blanks = this.match(BLANKS);
      if (blanks !== undefined) this.move(this.at + blanks.length);
      else if (this.at >= this.source.length) return;
      else this.token(open);
    }
  }

  private token(open: string[]): void {
    const kinds: [TokenType, RegExp][] = [
      ["float", FLOAT],
      ["integer", INTEGER],
      ["name", NAME],
      ["string", STRING],
      ["operator", OPERATOR],
    ];
    for (const [type, pattern] of kinds) {
      const text = this.match(pattern);
      if (text === undefined) continue;
      if (type === "operator") this.balance(text, open);
      if (type === "string") this.push(type, decodeEscapes(text.slice(1, -1), this.line));
      else if (type === "integer") this.push(type, text, integerOf(text.replaceAll("_", "")));
      else if (type === "float") this.push(type, text, Number(text.replaceAll("_", "")));
      else this.push(type, text);
      this.move(this.at + text.length);
      return;
    }
    throw this.failure(`unexpected char ${JSON.stringify(this.source[this.at])} at ${this.at}`);
  }

  private balance(operator: string, open: string[]): void {
    if (CLOSES[operator] !== undefined) open.push(CLOSES[operator]);
    if (operator !== "}" && operator !== ")" && operator !== "]") return;
    const expected = open.pop();
    if (expected === undefined) throw this.failure(`unexpected '${operator}'`);
    if (expected !== operator) throw this.failure(`unexpected '${operator}', expected '${expected}'`);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    return pattern.exec(this.source)?.[0];
  }

  private data(text: string, whole = text): void {
    if (text !== "") this.push("data", text);
    this.line += whole.split("\n").length - 1;
    this.at += whole.length;
  }

  private move(to: number): void {
    const passed = this.source.slice(this.at, to);
    this.line += passed.split("\n").length - 1;
    this.startsLine = passed.endsWith("\n");
    this.at = to;
  }

  private push(type: TokenType, value: string, number?: number | bigint): void {
    this.tokens.push(
      number === undefined ? { type, value, line: this.line } : { type, value, line: this.line, number },
    );
  }

  private failure(message: string): Error {
    return pythonError("TemplateSyntaxError", `${message} (line ${this.line})`);
  }
}

function integerOf(text: string): number | bigint {
  spendBits(text.length * 3);
  const value = BigInt(text);
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}
