// `tojson` as transformers defines it: Python's json.dumps without the escapes of HTML, and with non-ASCII
// letters as they are.
import { nested, spend, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { sorted, truth } from "../values/collections.ts";
import { floatText } from "../values/floats.ts";
import { Dict, Float, isInt, Lost, textOf, Tuple, typeName } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, wantInt } from "./arguments.ts";

interface Style {
  ascii: boolean;
  indent: string | undefined;
  item: string;
  key: string;
  sortKeys: boolean;
}

export function toJson(given: Given): Value {
  const [value, ascii, indent, separators, sortKeys] = bind(
    "tojson",
    "x ensure_ascii? indent? separators? sort_keys?",
    given,
  );
  const blank = indent === undefined || indent === null ? undefined : indentOf(indent);
  const [item, key] = separatorsOf(separators ?? null, blank !== undefined);
  const on = (flag: Value | undefined): boolean => flag !== undefined && truth(flag);
  return write(value!, { ascii: on(ascii), indent: blank, item, key, sortKeys: on(sortKeys) }, "\n");
}

const indentOf = (indent: Value): string => textOf(indent) ?? " ".repeat(Math.max(0, wantInt(indent)));

function separatorsOf(given: Value, indented: boolean): [string, string] {
  if (given === null) return [indented ? "," : ", ", ": "];
  const parts = given instanceof Tuple ? given.items : given;
  const [item, key] = Array.isArray(parts) ? (parts as Value[]).map(textOf) : [];
  if (item === undefined || key === undefined || (parts as Value[]).length !== 2)
    throw pythonError("TypeError", "separators must be a pair of str");
  return [item, key];
}

function write(value: Value, style: Style, line: string): string {
  spend(1);
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (isInt(value)) return String(value);
  if (value instanceof Float) return jsonFloat(value.value);
  const text = textOf(value);
  if (text !== undefined) return jsonText(text, style.ascii);
  if (value instanceof Lost) throw unsupported(value.what);
  return nested(() => {
    if (Array.isArray(value)) return list(value, style, line);
    if (value instanceof Tuple) return list(value.items, style, line);
    if (value instanceof Dict) return object(value, style, line);
    throw pythonError("TypeError", `Object of type ${typeName(value)} is not JSON serializable`);
  });
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
}

function list(items: readonly Value[], style: Style, line: string): string {
  const inner = line + (style.indent ?? "");
  return enclosed(
    "[",
    items.map((item) => write(item, style, inner)),
    "]",
    style,
    line,
  );
}

function object(dict: Dict, style: Style, line: string): string {
  const inner = line + (style.indent ?? "");
  const pairs = [...dict.pairs()];
  const ordered = style.sortKeys
    ? sorted(
        pairs.map((pair) => new Tuple(pair)),
        (pair) => (pair as Tuple).items[0]!,
        false,
      ).map((pair) => (pair as Tuple).items)
    : pairs;
  const members = ordered.map(
    ([key, value]) => jsonText(keyText(key!), style.ascii) + style.key + write(value!, style, inner),
  );
  return enclosed("{", members, "}", style, line);
}

function keyText(key: Value): string {
  const text = textOf(key);
  if (text !== undefined) return text;
  if (key === null) return "null";
  if (typeof key === "boolean" || isInt(key)) return String(key);
  if (key instanceof Float) return jsonFloat(key.value);
  throw pythonError("TypeError", `keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function enclosed(open: string, items: string[], close: string, style: Style, line: string): string {
  if (items.length === 0) return open + close;
  const [before, after] = style.indent === undefined ? ["", ""] : [line + style.indent, line];
  const text = open + before + items.join(style.item + before) + after + close;
  spendText(text.length);
  return text;
}

const ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

function jsonText(text: string, ascii: boolean): string {
  spendText(text.length);
  // oxlint-disable-next-line no-control-regex -- the control characters are what JSON escapes
  const pattern = ascii ? /["\\]|[^ -~]/g : /["\\\x00-\x1f]/g;
  const escape = (unit: string): string =>
    ESCAPES[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(pattern, escape)}"`;
}
