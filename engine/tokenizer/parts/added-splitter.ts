// Cuts added tokens out of a text as tokenizers' Rust code does. Tokens without `normalized` are looked for
// in the given text. The rest is normalized, and the other tokens are looked for there. The library lacks
// `single_word`, and it trims neighbors by JavaScript's white space.
import type { AddedToken } from "../added-list.ts";
import { BLANK } from "./types.ts";

export interface Section {
  text: string;
  /** Undefined: an ordinary text. */
  token?: AddedToken;
}

/** The library's trie: pieces of a text, each a word of the dictionary or a text between two. */
export interface Dictionary {
  split(text: string): string[];
}

const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";
const WORD_AT_END = new RegExp(`${WORD}$`, "u");
const WORD_AT_START = new RegExp(`^${WORD}`, "u");
const BLANK_AT_END = new RegExp(`${BLANK}*$`, "u");
const BLANK_AT_START = new RegExp(`^${BLANK}*`, "u");

export class AddedSplitter {
  private readonly dictionary: Dictionary;
  private readonly tokens: ReadonlyMap<string, AddedToken>;

  constructor(tokens: ReadonlyMap<string, AddedToken>, make: (words: string[]) => Dictionary) {
    this.tokens = tokens;
    this.dictionary = make([...tokens.keys()]);
  }

  split(text: string): Section[] {
    const sections: Section[] = [];
    let done = 0;
    let at = 0;
    for (const piece of this.dictionary.split(text)) {
      const [from, to] = [at, at + piece.length];
      at = to;
      const token = this.tokens.get(piece);
      if (!token || (token.single_word && !standsAlone(text, from, to))) continue;
      const start = token.lstrip ? Math.max(done, blanksBefore(text, from)) : from;
      const end = token.rstrip ? to + BLANK_AT_START.exec(text.slice(to))![0].length : to;
      // The token before has taken all of this one as blanks.
      if (start >= end) continue;
      if (done < start) sections.push({ text: text.slice(done, start) });
      sections.push({ text: token.content, token });
      done = end;
    }
    if (done < text.length) sections.push({ text: text.slice(done) });
    return sections;
  }
}

const standsAlone = (text: string, from: number, to: number): boolean =>
  !WORD_AT_END.test(text.slice(0, from)) && !WORD_AT_START.test(text.slice(to));

/** Where the blanks before `at` begin. */
const blanksBefore = (text: string, at: number): number => BLANK_AT_END.exec(text.slice(0, at))!.index;
