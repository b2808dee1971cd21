// Texts as Python sees them: lengths and positions count code points, and white space is what `str.isspace`
// says, not JavaScript's list (which has U+FEFF and lacks U+001C to U+001F and U+0085).

import { spendEach, spendItems, spendText } from "../budget.ts";

/** For a character class. */
export const WHITESPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const START = new RegExp(`^[${WHITESPACE}]+`);
const SPACE = new RegExp(`[${WHITESPACE}]`);
const SPACES = new Set(
  Array.from({ length: 0x3001 }, (_, code) => code).filter((code) => SPACE.test(String.fromCharCode(code))),
);
const WORDS = new RegExp(`[^${WHITESPACE}]+`, "g");
// oxlint-disable-next-line no-control-regex -- these end a line
const LINES = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

export const isSpace = (character: string): boolean => SPACES.has(character.charCodeAt(0));
export const trimStart = (text: string): string => text.replace(START, "");

/** A loop, since a regular expression for the end tries each run of blanks. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && SPACES.has(text.charCodeAt(end - 1))) end--;
  spendItems(text.length - end);
  return text.slice(0, end);
}

export function wordMatches(text: string): RegExpMatchArray[] {
  spendEach(text.length);
  return [...text.matchAll(WORDS)];
}

const SURROGATE = /[\ud800-\udfff]/;

/** Each position of the text is one code point. */
export function isPlain(text: string): boolean {
  spendText(text.length);
  return !SURROGATE.test(text);
}

export function points(text: string): string[] {
  spendEach(text.length);
  return isPlain(text) ? text.split("") : [...text];
}

export function textLength(text: string): number {
  if (isPlain(text)) return text.length;
  spendEach(text.length);
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Code points before a position of JavaScript's. */
export const pointsBefore = (text: string, index: number): number => textLength(text.slice(0, index));

/** JavaScript's position of a code point. */
export function indexOfPoint(text: string, point: number): number {
  if (isPlain(text)) return Math.min(point, text.length);
  spendEach(point);
  let index = 0;
  for (let i = 0; i < point && index < text.length; i++) index += text.codePointAt(index)! > 0xffff ? 2 : 1;
  return index;
}

/** Code points from `start` to before `end`, both within the text. */
export function slicePoints(text: string, start: number, end: number): string {
  if (end <= start) return "";
  return text.slice(indexOfPoint(text, start), indexOfPoint(text, end));
}

export function splitLines(text: string, keepEnds = false): string[] {
  spendEach(text.length);
  const lines: string[] = [];
  let from = 0;
  for (const { 0: end, index } of text.matchAll(LINES)) {
    lines.push(text.slice(from, keepEnds ? index + end.length : index));
    from = index + end.length;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

/** Letters whose title case is not their upper case. Pairs: the letter, then its title case. */
const TITLES = new Map(
  [..."ǄǅǅǅǆǅǇǈǈǈǉǈǊǋǋǋǌǋǱǲǲǲǳǲᾳᾼᾼᾼῃῌῌῌῳῼῼῼ"].flatMap((from, i, all) =>
    i % 2 === 0 ? [[from, all[i + 1]!] as const] : [],
  ),
);
const EXPANDED: Record<string, string> = {
  ß: "Ss",
  և: "Եւ",
  ᾲ: "Ὰ\u0345",
  ᾴ: "Ά\u0345",
  ᾷ: "ᾼ\u0342",
  ῂ: "Ὴ\u0345",
  ῄ: "Ή\u0345",
  ῇ: "ῌ\u0342",
  ῲ: "Ὼ\u0345",
  ῴ: "Ώ\u0345",
  ῷ: "ῼ\u0342",
  ﬀ: "Ff",
  ﬁ: "Fi",
  ﬂ: "Fl",
  ﬃ: "Ffi",
  ﬄ: "Ffl",
  ﬅ: "St",
  ﬆ: "St",
  ﬓ: "Մն",
  ﬔ: "Մե",
  ﬕ: "Մի",
  ﬖ: "Վն",
  ﬗ: "Մխ",
};

export function titleCase(character: string): string {
  const point = character.codePointAt(0)!;
  const special = TITLES.get(character) ?? EXPANDED[character];
  if (special !== undefined) return special;
  // Greek with an iota below or beside: the second eight of each sixteen are the title case of the first.
  if (point >= 0x1f80 && point <= 0x1faf) return String.fromCodePoint(point | 8);
  // Georgian has an upper case and no title case.
  if (point >= 0x10d0 && point <= 0x10ff) return character;
  return character.toUpperCase();
}

export function capitalize(text: string): string {
  const [first] = text;
  if (first === undefined) return "";
  const rest = text.toLowerCase().slice(first.toLowerCase().length);
  return titleCase(first) + rest;
}

const CASED = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u;

export const isCased = (character: string): boolean => CASED.test(character);

/** Words begin behind letters that have no case, and behind all that is no letter. */
export function title(text: string): string {
  spendEach(text.length);
  let out = "";
  let word = "";
  const flush = (): void => {
    out += capitalize(word);
    word = "";
  };
  for (const character of text) {
    if (isCased(character)) word += character;
    else {
      flush();
      out += character;
    }
  }
  flush();
  return out;
}
