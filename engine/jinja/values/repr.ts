// `str` and `repr` of Python's values.
import { nested, spend, spendText } from "../budget.ts";
import { unsupported } from "../errors.ts";
import { floatText } from "./floats.ts";
import {
  Dict,
  DictView,
  Float,
  Lost,
  Markup,
  Namespace,
  PyRange,
  Tuple,
  typeName,
  Undefined,
} from "./types.ts";
import type { Value } from "./types.ts";

export function str(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Markup) return value.text;
  if (value instanceof Undefined) return "";
  return repr(value);
}

/** Values that know how they print; they are made where templates run. */
export interface Printable {
  repr: () => string;
}

export function repr(value: Value): string {
  spend(1);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return quoted(value);
  return nested(() => (Array.isArray(value) ? listText(value) : objectText(value)));
}

function objectText(value: Exclude<Value, null | boolean | number | bigint | string | Value[]>): string {
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Markup) return `Markup(${quoted(value.text)})`;
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof Tuple) {
    const items = value.items.map(repr);
    return joined(items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`);
  }
  if (value instanceof Dict) return dictText(value);
  if (value instanceof DictView) return `${value.type}(${listText(value.items())})`;
  if (value instanceof PyRange) {
    const step = value.step === 1 ? "" : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof Namespace) return `<Namespace ${dictText(value.attrs)}>`;
  if (value instanceof Lost) throw unsupported(value.what);
  if ("repr" in value) return (value as unknown as Printable).repr();
  // Python prints an address in memory.
  throw unsupported(`printing a ${typeName(value)}`);
}

const listText = (items: readonly Value[]): string => joined(`[${items.map(repr).join(", ")}]`);

function dictText(dict: Dict): string {
  const pairs = [...dict.pairs()].map(([key, value]) => `${repr(key)}: ${repr(value)}`);
  return joined(`{${pairs.join(", ")}}`);
}

function joined(text: string): string {
  spendText(text.length);
  return text;
}

const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** All that `str.isprintable` denies, and the backslash. */
const UNPRINTABLE = /[\\\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

export const isPrintable = (text: string): boolean => text.replaceAll("\\", "").search(UNPRINTABLE) < 0;

export function quoted(text: string): string {
  spendText(text.length);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(UNPRINTABLE, (character) => ESCAPES[character] ?? hexEscape(character));
  return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote;
}

/** `repr`, with escapes for all beyond ASCII. */
export const ascii = (value: Value): string => repr(value).replace(/[^\p{ASCII}]/gu, hexEscape);

function hexEscape(character: string): string {
  const point = character.codePointAt(0)!;
  const hex = point.toString(16);
  if (point < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return point < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
