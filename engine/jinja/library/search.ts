// Methods of str that search, cut and replace.
import { spendItems, spendText } from "../budget.ts";
import { pythonError } from "../errors.ts";
import { indexOfPoint, points, pointsBefore, slicePoints, textLength, wordMatches } from "../values/text.ts";
import { trimEnd, trimStart } from "../values/text.ts";
import { textOf, Tuple, typeName } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, position, wantInt, wantText } from "./arguments.ts";

type Method = (text: string, given: Given) => Value;

/** The part of the text that `start` and `end` name; undefined when start is behind the end. */
function range(text: string, start: Value | undefined, end: Value | undefined): [number, number] | undefined {
  const length = textLength(text);
  const from = position(start, 0, length);
  const to = Math.min(length, position(end, length, length));
  return from > to ? undefined : [from, to];
}

function search(name: string, last: boolean, fails: boolean): Method {
  return (text, given) => {
    const [wanted, start, end] = bind(name, "sub start? end? /", given);
    const sub = wantText(`${name}() argument`, wanted);
    spendText(text.length);
    const limits = range(text, start, end);
    const part = limits && slicePoints(text, ...limits);
    const found = part === undefined ? -1 : last ? part.lastIndexOf(sub) : part.indexOf(sub);
    if (found >= 0) return limits![0] + pointsBefore(part!, found);
    if (fails) throw pythonError("ValueError", "substring not found");
    return -1;
  };
}

const count: Method = (text, given) => {
  const [wanted, start, end] = bind("count", "sub start? end? /", given);
  const sub = wantText("count() argument", wanted);
  const limits = range(text, start, end);
  if (!limits) return 0;
  const part = slicePoints(text, ...limits);
  spendText(part.length);
  return sub === "" ? textLength(part) + 1 : part.split(sub).length - 1;
};

function affix(name: "startswith" | "endswith"): Method {
  return (text, given) => {
    const [wanted, start, end] = bind(name, "prefix start? end? /", given);
    const affixes = wanted instanceof Tuple ? wanted.items : [wanted!];
    const texts = affixes.map(textOf);
    if (texts.includes(undefined))
      throw pythonError(
        "TypeError",
        `${name} first arg must be str or a tuple of str, not ${typeName(wanted!)}`,
      );
    const limits = range(text, start, end);
    const part = limits && slicePoints(text, ...limits);
    if (part === undefined) return false;
    return texts.some((one) => (name === "startswith" ? part.startsWith(one!) : part.endsWith(one!)));
  };
}

export function replaceText(text: string, old: string, by: string, limit: number): string {
  if (limit === 0) return text;
  const parts = old === "" ? ["", ...points(text), ""] : text.split(old);
  spendItems(parts.length);
  const times = limit < 0 ? parts.length - 1 : Math.min(limit, parts.length - 1);
  spendText(text.length + times * by.length);
  return [parts.slice(0, times + 1).join(by), ...parts.slice(times + 1)].join(old);
}

const replace: Method = (text, given) => {
  const [old, by, limit] = bind("replace", "old new count? /", given);
  const [from, to] = [wantText("replace() argument 1", old), wantText("replace() argument 2", by)];
  return replaceText(text, from, to, limit === undefined ? -1 : wantInt(limit));
};

/** Undefined and None: white space. */
export function strip(text: string, chars: Value | undefined, sides: "left" | "right" | "both"): string {
  spendText(text.length);
  if (chars === undefined || chars === null) {
    const left = sides === "right" ? text : trimStart(text);
    return sides === "left" ? left : trimEnd(left);
  }
  const set = new Set(points(wantText("strip arg", chars)));
  const all = points(text);
  let from = 0;
  let to = all.length;
  if (sides !== "right") while (from < to && set.has(all[from]!)) from++;
  if (sides !== "left") while (to > from && set.has(all[to - 1]!)) to--;
  return all.slice(from, to).join("");
}

const stripper =
  (name: string, sides: "left" | "right" | "both"): Method =>
  (text, given) =>
    strip(text, bind(name, "chars? /", given)[0], sides);

const splitter =
  (name: "split" | "rsplit"): Method =>
  (text, given) => {
    const [sep, limit] = bind(name, "sep? maxsplit?", given);
    const most = limit === undefined ? -1 : wantInt(limit);
    spendText(text.length);
    const parts = split(text, sep ?? null, most < 0 ? Infinity : most, name === "rsplit");
    spendItems(parts.length);
    return parts;
  };

export function split(text: string, sep: Value, most: number, fromRight = false): string[] {
  if (sep === null) return fromRight ? splitWordsRight(text, most) : splitWords(text, most);
  const by = wantText("sep", sep);
  if (by === "") throw pythonError("ValueError", "empty separator");
  if (fromRight) return splitRight(text, by, most);
  const parts = text.split(by);
  if (parts.length - 1 <= most) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(by)];
}

/** From the right, overlapping separators are found from the right. */
function splitRight(text: string, by: string, most: number): string[] {
  const parts: string[] = [];
  let end = text.length;
  while (parts.length < most) {
    const at = end < by.length ? -1 : text.lastIndexOf(by, end - by.length);
    if (at < 0) break;
    parts.push(text.slice(at + by.length, end));
    end = at;
  }
  return [...parts, text.slice(0, end)].reverse();
}

function splitWords(text: string, most: number): string[] {
  const words = wordMatches(text);
  if (words.length <= most) return words.map(([word]) => word);
  const rest = text.slice(words[most]!.index);
  return [...words.slice(0, most).map(([word]) => word), most === 0 ? trimStart(text) : rest];
}

function splitWordsRight(text: string, most: number): string[] {
  const words = wordMatches(text);
  if (words.length <= most) return words.map(([word]) => word);
  const kept = words.slice(words.length - most);
  const last = words[words.length - most - 1]!;
  return [text.slice(0, last.index! + last[0].length), ...kept.map(([word]) => word)];
}

const partition =
  (name: "partition" | "rpartition"): Method =>
  (text, given) => {
    const sep = wantText("must be str", bind(name, "sep /", given)[0]);
    if (sep === "") throw pythonError("ValueError", "empty separator");
    const at = name === "partition" ? text.indexOf(sep) : text.lastIndexOf(sep);
    if (at < 0) return new Tuple(name === "partition" ? [text, "", ""] : ["", "", text]);
    return new Tuple([text.slice(0, at), sep, text.slice(at + sep.length)]);
  };

const removePrefix: Method = (text, given) => {
  const prefix = wantText("removeprefix() argument", bind("removeprefix", "prefix /", given)[0]);
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
};

const removeSuffix: Method = (text, given) => {
  const suffix = wantText("removesuffix() argument", bind("removesuffix", "suffix /", given)[0]);
  return suffix !== "" && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
};

/** The character at a position, -1 the last; undefined outside. */
export function characterAt(text: string, at: number): string | undefined {
  const length = textLength(text);
  const point = at < 0 ? at + length : at;
  if (point < 0 || point >= length) return undefined;
  return String.fromCodePoint(text.codePointAt(indexOfPoint(text, point))!);
}

export const SEARCH_METHODS: Record<string, Method> = {
  find: search("find", false, false),
  rfind: search("rfind", true, false),
  index: search("index", false, true),
  rindex: search("rindex", true, true),
  count,
  startswith: affix("startswith"),
  endswith: affix("endswith"),
  replace,
  strip: stripper("strip", "both"),
  lstrip: stripper("lstrip", "left"),
  rstrip: stripper("rstrip", "right"),
  split: splitter("split"),
  rsplit: splitter("rsplit"),
  partition: partition("partition"),
  rpartition: partition("rpartition"),
  removeprefix: removePrefix,
  removesuffix: removeSuffix,
};
