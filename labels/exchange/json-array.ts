// The elements of one large JSON array, one at a time: Label Studio exports all tasks as one array, which
// may not fit in memory. JSON Lines are read by campaign/rows.
import { RatchetError } from "../../errors/index.ts";

export interface ArrayElement {
  /** Line in which it begins, from 1. */
  line: number;
  value: unknown;
}

/** A larger element is refused before it is in memory. */
const ELEMENT_CHARACTERS_MAX = 64 * 1024 ** 2;

/** `file`: for messages. Throws label_invalid if the text is no JSON array. */
export async function* arrayElements(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<ArrayElement> {
  const splitter = new Splitter(file);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of chunks) yield* splitter.add(decoder.decode(chunk, { stream: true }));
  splitter.end();
}

/** Cuts text at the commas between the elements of the outermost array. */
class Splitter {
  private readonly file: string;
  private line = 1;
  /** Brackets that are open. 0: before or after the array. 1: between two elements. */
  private depth = 0;
  private begun = false;
  private quoted = false;
  private escaped = false;
  private parts: string[] = [];
  private characters = 0;
  private startLine = 1;

  constructor(file: string) {
    this.file = file;
  }

  *add(text: string): Generator<ArrayElement> {
    let from = 0;
    for (let at = 0; at < text.length; at += 1) {
      const character = text[at]!;
      if (character === "\n") this.line += 1;
      if (this.quoted) this.inString(character);
      else if (this.depth === 0) {
        this.outside(character);
        from = at + 1;
      } else if (this.depth === 1 && (character === "," || character === "]")) {
        yield* this.element(text.slice(from, at));
        from = at + 1;
        if (character === "]") this.depth = 0;
      } else this.inside(character);
    }
    this.keep(text.slice(from));
  }

  end(): void {
    if (!this.begun || this.depth > 0) throw this.refusal("ends before its array does");
  }

  private inString(character: string): void {
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') this.quoted = false;
  }

  private outside(character: string): void {
    if (/\s|\uFEFF/.test(character)) return;
    if (character !== "[" || this.begun) throw this.refusal("holds something beside its array");
    this.begun = true;
    this.depth = 1;
    this.startLine = this.line;
  }

  private inside(character: string): void {
    if (character === '"') this.quoted = true;
    else if (character === "{" || character === "[") this.depth += 1;
    else if (character === "}" || character === "]") this.depth -= 1;
  }

  private keep(text: string): void {
    if (this.depth === 0) return;
    this.characters += text.length;
    if (this.characters > ELEMENT_CHARACTERS_MAX) throw this.refusal("has an element of more than 64 MiB");
    this.parts.push(text);
  }

  private *element(end: string): Generator<ArrayElement> {
    const text = this.parts.join("") + end;
    const leading = /^\s*/.exec(text)![0].split("\n").length - 1;
    const line = this.startLine + leading;
    this.parts = [];
    this.characters = 0;
    this.startLine = this.line;
    if (text.trim() !== "") yield { line, value: this.parsed(text, line) };
  }

  private parsed(text: string, line: number): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw this.refusal(`is not JSON: ${(cause as Error).message}`, line, cause);
    }
  }

  private refusal(fault: string, line = this.line, cause?: unknown): RatchetError {
    return new RatchetError("label_invalid", `${this.file}:${line} ${fault}`, {
      file: this.file,
      line,
      cause,
    });
  }
}
