// Methods of str that change letters, pad, join and ask what a text consists of; and the table of all.
import { spendEach, spendItems, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { listOf } from "../values/collections.ts";
import { escapeHtml } from "../values/html.ts";
import { isPrintable } from "../values/repr.ts";
import { capitalize, isCased, isSpace, points, splitLines, textLength, title } from "../values/text.ts";
import { Markup, PyFunction, textOf, Tuple, typeName } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, wantInt, wantText } from "./arguments.ts";
import { SEARCH_METHODS } from "./search.ts";

type Method = (text: string, given: Given) => Value;

const changed =
  (name: string, change: (text: string) => string): Method =>
  (text, given) => {
    bind(name, "", given);
    spendText(text.length);
    return change(text);
  };

const asked =
  (name: string, holds: (text: string) => boolean): Method =>
  (text, given) => {
    bind(name, "", given);
    spendEach(text.length);
    return holds(text);
  };

const every = (pattern: RegExp) => (text: string) => pattern.test(text);

const swapCase = (text: string): string =>
  points(text)
    .map((one) => (/\p{Uppercase}/u.test(one) ? one.toLowerCase() : one.toUpperCase()))
    .join("");

/** Only letters of one case, and at least one of them. */
const only = (upper: boolean) => (text: string) => {
  const cased = [...text].filter(isCased);
  return cased.length > 0 && cased.every((one) => (upper ? /\p{Uppercase}/u : /\p{Lowercase}/u).test(one));
};

export const isLower = only(false);
export const isUpper = only(true);

function isTitle(text: string): boolean {
  let cased = false;
  let before = false;
  for (const one of text) {
    const upper = /[\p{Uppercase}\p{Lt}]/u.test(one);
    const lower = /\p{Lowercase}/u.test(one);
    if ((upper && before) || (lower && !before)) return false;
    before = upper || lower;
    cased ||= before;
  }
  return cased;
}

export function pad(text: string, width: number, fill: string, side: "left" | "right" | "center"): string {
  const missing = width - textLength(text);
  if (missing <= 0) return text;
  spendText(width);
  if (side === "left") return fill.repeat(missing) + text;
  if (side === "right") return text + fill.repeat(missing);
  // An odd blank is on the left when the width is odd.
  const left = (missing >> 1) + (missing & width & 1);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

const padder =
  (name: string, side: "left" | "right" | "center"): Method =>
  (text, given) => {
    const [width, fill] = bind(name, "width fillchar? /", given);
    const filling = fill === undefined ? " " : wantText("The fill character", fill);
    if (textLength(filling) !== 1)
      throw pythonError("TypeError", "The fill character must be exactly one character long");
    return pad(text, wantInt(width!), filling, side);
  };

const zeroFill: Method = (text, given) => {
  const width = wantInt(bind("zfill", "width /", given)[0]!);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + pad(text.slice(sign.length), width - sign.length, "0", "left");
};

const expandTabs: Method = (text, given) => {
  const [size] = bind("expandtabs", "tabsize?", given);
  const width = size === undefined ? 8 : wantInt(size);
  let column = 0;
  const out: string[] = [];
  for (const one of points(text)) {
    const blanks = one !== "\t" ? 0 : width > 0 ? width - (column % width) : 0;
    spendText(blanks);
    out.push(one === "\t" ? " ".repeat(blanks) : one);
    column = one === "\n" || one === "\r" ? 0 : column + (one === "\t" ? blanks : 1);
  }
  return out.join("");
};

export function joinTexts(by: string, values: readonly Value[]): string {
  const texts = values.map((value, i) => {
    const text = textOf(value);
    if (text !== undefined) return text;
    throw pythonError("TypeError", `sequence item ${i}: expected str instance, ${typeName(value)} found`);
  });
  spendText(texts.reduce((sum, text) => sum + text.length + by.length, 0));
  return texts.join(by);
}

const lines: Method = (text, given) => {
  const [keep] = bind("splitlines", "keepends?", given);
  spendText(text.length);
  const parts = splitLines(text, keep !== undefined && wantInt(keep) !== 0);
  spendItems(parts.length);
  return parts;
};

/** Digits of other kinds than decimal ones, such as ² and ①. */
const DIGIT = /^[\p{Nd}²³¹፩-፱᧚⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒𐩀-𐩃𐹠-𐹨𑁒-𑁚🄀-🄊]+$/u;

/** Some of the Chinese characters are numbers, and Unicode's categories do not tell which. */
function isNumeric(text: string): boolean {
  if (/\p{Script=Han}/u.test(text)) throw unsupported("isnumeric of Chinese characters");
  return /^\p{N}+$/u.test(text);
}

const METHODS: Record<string, Method> = {
  ...SEARCH_METHODS,
  upper: changed("upper", (text) => text.toUpperCase()),
  lower: changed("lower", (text) => text.toLowerCase()),
  capitalize: changed("capitalize", capitalize),
  title: changed("title", title),
  swapcase: changed("swapcase", swapCase),
  isalpha: asked("isalpha", every(/^\p{L}+$/u)),
  isalnum: asked("isalnum", every(/^[\p{L}\p{N}]+$/u)),
  isdecimal: asked("isdecimal", every(/^\p{Nd}+$/u)),
  isdigit: asked("isdigit", every(DIGIT)),
  isnumeric: asked("isnumeric", isNumeric),
  isidentifier: asked("isidentifier", every(/^[\p{XID_Start}_]\p{XID_Continue}*$/u)),
  isascii: asked("isascii", every(/^\p{ASCII}*$/u)),
  isspace: asked("isspace", (text) => text !== "" && points(text).every(isSpace)),
  isprintable: asked("isprintable", isPrintable),
  islower: asked("islower", isLower),
  isupper: asked("isupper", isUpper),
  istitle: asked("istitle", isTitle),
  center: padder("center", "center"),
  ljust: padder("ljust", "right"),
  rjust: padder("rjust", "left"),
  zfill: zeroFill,
  expandtabs: expandTabs,
  splitlines: lines,
  join: (text, given) => joinTexts(text, listOf(bind("join", "iterable /", given)[0]!)),
};

/** Python has these, too. */
export const OTHER_TEXT_METHODS = ["casefold", "encode", "format_map", "maketrans", "translate"];

export function textMethod(value: string | Markup, name: string): Value | undefined {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (!method) return undefined;
  if (typeof value === "string") return new PyFunction(name, (given) => method(value, given));
  return new PyFunction(name, (given) => marked(method(value.text, escaped(name, given))));
}

/** A safe text escapes what it takes into itself, and its parts are safe, too. */
function escaped(name: string, given: Given): Given {
  const escape = (value: Value): Value => escapeHtml(value);
  const { args, named } = given;
  if (name === "join") return { args: args.map((list) => listOf(list).map(escape)), named };
  if (name === "replace") return { args: args.map((arg, i) => (i === 1 ? escape(arg) : arg)), named };
  if (name === "center" || name === "ljust" || name === "rjust")
    return { args: args.map((arg, i) => (i === 1 ? escape(arg) : arg)), named };
  return given;
}

function marked(value: Value): Value {
  if (typeof value === "string") return new Markup(value);
  if (Array.isArray(value)) return value.map(marked);
  return value instanceof Tuple ? new Tuple(value.items.map(marked)) : value;
}
