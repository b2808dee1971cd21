/* oxlint-disable max-lines -- one table: the filters on texts */
// Jinja2's filters on texts (jinja2/filters.py).
import { spendEach, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { truth } from "../values/collections.ts";
import { escapeHtml } from "../values/html.ts";
import { binary } from "../values/operators.ts";
import { percentFormat } from "../values/percent.ts";
import { str } from "../values/repr.ts";
import {
  capitalize,
  points,
  slicePoints,
  splitLines,
  textLength,
  WHITESPACE,
  wordMatches,
} from "../values/text.ts";
import { Dict, Markup, textOf, Tuple, typeName, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, wantInt, wantText } from "./arguments.ts";
import { iterate, listOf } from "../values/collections.ts";
import { replaceText, strip } from "./search.ts";
import { pad } from "./text-methods.ts";

type Filter = (given: Given) => Value;

/** A text, or what prints as one; safe texts stay safe. */
const soft = (value: Value): string | Markup => (value instanceof Markup ? value : str(value));

const changed =
  (name: string, change: (text: string) => string): Filter =>
  (given) => {
    const value = soft(bind(name, "s", given)[0]!);
    const text = str(value);
    spendText(text.length);
    return value instanceof Markup ? new Markup(change(text)) : change(text);
  };

const WORD_STARTS = new RegExp(`([-${WHITESPACE}({\\[<]+)`, "g");

function title(text: string): string {
  spendEach(text.length);
  const words = text.split(WORD_STARTS).filter((word) => word !== "");
  return words
    .map((word) => {
      const [first] = word;
      return first!.toUpperCase() + word.slice(first!.length).toLowerCase();
    })
    .join("");
}

const trim: Filter = (given) => {
  const [value, chars] = bind("do_trim", "value chars?", given);
  const text = soft(value!);
  const made = strip(str(text), chars, "both");
  return text instanceof Markup ? new Markup(made) : made;
};

const replace: Filter = (given) => {
  const [value, old, by, count] = bind("do_replace", "s old new count?", given);
  const limit = count === undefined || count === null ? -1 : wantInt(count);
  return replaceText(str(value!), str(old!), str(by!), limit);
};

const center: Filter = (given) => {
  const [value, width] = bind("do_center", "value width?", given);
  return pad(str(value!), width === undefined ? 80 : wantInt(width), " ", "center");
};

const indent: Filter = (given) => {
  const [value, width, first, blank] = bind("do_indent", "s width? first? blank?", given);
  const by = width === undefined ? "    " : (textOf(width) ?? " ".repeat(Math.max(0, wantInt(width))));
  const lines = splitLines(wantText("can only concatenate str: s", binary("+", value!, "\n")));
  spendText((by.length + 1) * lines.length);
  const rest = lines.slice(1).map((line) => (line === "" && !isOn(blank) ? line : by + line));
  const made = [lines[0]!, ...rest].join("\n");
  const text = isOn(first) ? by + made : made;
  return value instanceof Markup ? new Markup(text) : text;
};

const isOn = (flag: Value | undefined): boolean => flag !== undefined && truth(flag);

const truncate: Filter = (given) => {
  const [value, length, kill, end, leeway] = bind("do_truncate", "s length? killwords? end? leeway?", given);
  const text = wantText("truncate: s", value);
  const tail = end === undefined ? "..." : wantText("truncate: end", end);
  const most = length === undefined ? 255 : wantInt(length);
  const more = leeway === undefined || leeway === null ? 5 : wantInt(leeway);
  const room = most - textLength(tail);
  if (room < 0) throw pythonError("AssertionError", `expected length >= ${textLength(tail)}, got ${most}`);
  if (more < 0) throw pythonError("AssertionError", `expected leeway >= 0, got ${more}`);
  if (textLength(text) <= most + more) return text;
  const cut = slicePoints(text, 0, room);
  if (isOn(kill)) return cut + tail;
  const space = cut.lastIndexOf(" ");
  return (space < 0 ? cut : cut.slice(0, space)) + tail;
};

const format: Filter = ({ args: [value, ...args], named }) => {
  if (args.length > 0 && named.size > 0)
    throw pythonError(
      "FilterArgumentError",
      "can't handle positional and keyword arguments at the same time",
    );
  return percentFormat(soft(value!), named.size > 0 ? Dict.of(named) : new Tuple(args));
};

const escape: Filter = (given) => new Markup(escapeHtml(bind("escape", "s /", given)[0]!));

const stripTags: Filter = (given) => {
  const text = str(bind("do_striptags", "value", given)[0]!);
  spendEach(text.length);
  let bare = "";
  let from = 0;
  for (let start = text.indexOf("<"); start >= 0; start = text.indexOf("<", from)) {
    const close = text.startsWith("<!--", start) ? "-->" : ">";
    const end = text.indexOf(close, close === ">" ? start + 1 : start + 4);
    if (end < 0) break;
    bare += text.slice(from, start);
    from = end + close.length;
  }
  bare += text.slice(from);
  if (bare.includes("&")) throw unsupported("striptags of a text with entities");
  return wordMatches(bare)
    .map(([word]) => word)
    .join(" ");
};

function quote(value: Value, query: boolean): string {
  const text = str(value);
  spendText(text.length * 3);
  const quoted = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return query ? quoted.replaceAll("%20", "+") : quoted.replaceAll("%2F", "/");
}

const urlEncode: Filter = (given) => {
  const [value] = bind("do_urlencode", "value", given);
  const plain = textOf(value!) !== undefined || value === null || typeof value !== "object";
  if (plain || typeName(value!) === "float") return quote(value!, false);
  const pairs = value instanceof Dict ? [...value.pairs()] : listOf(value!).map((pair) => listOf(pair));
  if (pairs.some((pair) => pair.length !== 2))
    throw pythonError("ValueError", "urlencode wants pairs of a key and a value");
  return pairs.map(([key, item]) => `${quote(key!, true)}=${quote(item!, true)}`).join("&");
};

const xmlAttributes: Filter = (given) => {
  const [value, space] = bind("do_xmlattr", "d autospace?", given);
  if (!(value instanceof Dict)) throw pythonError("TypeError", `'${typeName(value!)}' object has no items`);
  const parts: string[] = [];
  for (const [key, item] of value.pairs()) {
    if (item === null || item instanceof Undefined) continue;
    if (/[\s/>=]/.test(wantText("xmlattr: key", key)))
      throw pythonError("ValueError", `Invalid character in attribute name: ${str(key)}`);
    parts.push(`${escapeHtml(key)}="${escapeHtml(item)}"`);
  }
  const text = parts.join(" ");
  return text !== "" && (space === undefined || truth(space)) ? ` ${text}` : text;
};

const wordCount: Filter = (given) => {
  const text = str(bind("do_wordcount", "s", given)[0]!);
  spendText(text.length);
  return text.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
};

const reverseText = (text: string): string => points(text).reverse().join("");

/** `reverse` of a text; undefined for all else. */
export function reversedText(value: Value): Value | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  return value instanceof Markup ? new Markup(reverseText(text)) : reverseText(text);
}

/** A text joined from what prints. */
export function joined(value: Value, by: string, map: (item: Value) => Value): string {
  const parts: string[] = [];
  const items = iterate(value);
  for (let next = items.next(); !next.done; next = items.next()) parts.push(str(map(next.value)));
  spendText(parts.reduce((sum, part) => sum + part.length + by.length, 0));
  return parts.join(by);
}

export const TEXT_FILTERS: Record<string, Filter> = {
  upper: changed("do_upper", (text) => text.toUpperCase()),
  lower: changed("do_lower", (text) => text.toLowerCase()),
  capitalize: changed("do_capitalize", capitalize),
  title: (given) => title(str(bind("do_title", "s", given)[0]!)),
  trim,
  replace,
  center,
  indent,
  truncate,
  format,
  escape,
  e: escape,
  forceescape: (given) => new Markup(escapeHtml(str(bind("do_forceescape", "value", given)[0]!))),
  safe: (given) => new Markup(str(bind("do_mark_safe", "value", given)[0]!)),
  string: (given) => soft(bind("soft_str", "s /", given)[0]!),
  striptags: stripTags,
  urlencode: urlEncode,
  xmlattr: xmlAttributes,
  wordcount: wordCount,
};
