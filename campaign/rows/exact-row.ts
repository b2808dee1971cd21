// JSON of one row, read exactly where `JSON.parse` is not: a number as an id keeps its digits (a double has
// 53 bits, post ids have 64), a key that is given twice is a fault (`JSON.parse` keeps the last), and nesting
// has a limit.

/** No row of a data set is nested deeper; code that prints or compares a row recurses. */
const DEPTH_MAX = 100;
/** Columns of names. A name is its text in the file: 1, 1.0 and 1e0 are three names. */
export const NAMES: readonly string[] = ["id", "prompt_id"];

/** Throws SyntaxError. Ids that are numbers become their text. */
export function parseExactly(text: string): unknown {
  const written = scan(text);
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    for (const [name, digits] of written) (value as Record<string, unknown>)[name] = digits;
  return value;
}

/** What the scan is inside of: the keys of an object, or undefined for an array. */
type Open = Set<string> | undefined;

/** Numbers of `NAMES` as they are written. Text that is not JSON is left to `JSON.parse`. */
function scan(text: string): Map<string, string> {
  const written = new Map<string, string>();
  const open: Open[] = [];
  let key = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      const end = stringEnd(text, at);
      if (isKey(text, end)) key = addKey(open.at(-1), text.slice(at, end));
      at = end - 1;
    } else if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      if (open.length > DEPTH_MAX) throw new SyntaxError(`it is nested deeper than ${DEPTH_MAX}`);
    } else if (character === "}" || character === "]") open.pop();
    else if (open.length === 1 && open[0] && NAMES.includes(key) && /[-\d]/.test(character)) {
      const number = /[^\s,}]+/y;
      number.lastIndex = at;
      const [digits] = number.exec(text)!;
      written.set(key, digits);
      at += digits.length - 1;
    }
  }
  return written;
}

/** Position after the closing quote; the text's end if there is none. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  let at = from;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\r") at++;
  return text[at] === ":";
}

function addKey(keys: Open, quoted: string): string {
  const key = JSON.parse(quoted) as string;
  if (keys?.has(key)) throw new SyntaxError(`it has the key ${JSON.stringify(key)} twice`);
  keys?.add(key);
  return key;
}
