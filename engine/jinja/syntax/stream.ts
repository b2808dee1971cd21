// The tokens of a template, one after another.
import { nested } from "../budget.ts";
import { pythonError } from "../errors.ts";
import type { Token, TokenType } from "./lexer.ts";

export class TokenStream {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get current(): Token {
    return this.tokens[this.at]!;
  }

  look(): Token {
    return this.tokens[Math.min(this.at + 1, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.current;
    if (token.type !== "eof") this.at++;
    return token;
  }

  is(type: TokenType, ...values: string[]): boolean {
    const { type: current, value } = this.current;
    return current === type && (values.length === 0 || values.includes(value));
  }

  skipIf(type: TokenType, value: string): boolean {
    if (!this.is(type, value)) return false;
    this.next();
    return true;
  }

  expect(type: TokenType, value?: string): Token {
    if (this.is(type, ...(value === undefined ? [] : [value]))) return this.next();
    const wanted = value ?? type;
    if (this.current.type === "eof") throw this.failure(`unexpected end of template, expected '${wanted}'.`);
    throw this.failure(`expected token '${wanted}', got '${this.describe()}'`);
  }

  describe(): string {
    return this.current.type === "eof" ? "end of template" : this.current.value;
  }

  failure(message: string, line = this.current.line): Error {
    return pythonError("TemplateSyntaxError", `${message} (line ${line})`);
  }

  /** Brackets in brackets, and tags in tags: not so deep that the stack overflows. */
  deeper<T>(work: () => T): T {
    return nested(work);
  }
}
