// `x.name` and `x[key]`, by the rules of Jinja2's immutable sandbox: a dot asks for the attribute first and
// then for the item, brackets the other way round; what changes a list or a dict, and what begins with an
// underscore, is undefined.
import { spendItems } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { formatText } from "./format.ts";
import { characterAt } from "./search.ts";
import { OTHER_TEXT_METHODS, textMethod } from "./text-methods.ts";
import { containerMethod, MUTATING, OTHER_METHODS } from "./container-methods.ts";
import { integer } from "../values/numbers.ts";
import { quoted } from "../values/repr.ts";
import { isPlain, points } from "../values/text.ts";
import {
  Dict,
  DictView,
  Lost,
  Markup,
  Namespace,
  orElse,
  PyFunction,
  PyRange,
  textOf,
  Tuple,
  typeName,
  Undefined,
} from "../values/types.ts";
import type { Value } from "../values/types.ts";

/** Values of the runtime with attributes of their own. */
export interface Attributed {
  attribute: (name: string) => Value | undefined;
}

/** What every object of Python has. */
const DUNDERS = new Set(
  [
    "class delattr dir doc eq format ge getattribute getstate gt hash init",
    "init_subclass le lt ne new reduce reduce_ex repr setattr sizeof str subclasshook",
  ].flatMap((names) => names.split(" ").map((name) => `__${name}__`)),
);

/** `getattr`; undefined where Python raises AttributeError. */
export function attributeOf(value: Value, name: string): Value | undefined {
  if (value instanceof Namespace) return value.attrs.get(name);
  if (typeof value === "string" || value instanceof Markup) {
    const method = name === "format" ? formatMethod(value) : textMethod(value, name);
    if (method) return method;
  }
  const found =
    value instanceof Object && "attribute" in value
      ? (value as unknown as Attributed).attribute(name)
      : containerMethod(value, name);
  if (found !== undefined) return found;
  const type = typeName(value);
  const others = type === "str" || type === "Markup" ? OTHER_TEXT_METHODS : OTHER_METHODS[type];
  if (others?.includes(name)) throw unsupported(`the attribute ${name} of ${type}`);
  return undefined;
}

function formatMethod(value: string | Markup): PyFunction {
  if (value instanceof Markup) throw unsupported("the attribute format of Markup");
  return new PyFunction("format", (given) =>
    formatText(value, given, { attribute: getAttribute, item: getItem }),
  );
}

function safeAttribute(value: Value, name: string): Value | undefined {
  const unsafe = (): Undefined =>
    new Undefined(
      `access to attribute ${quoted(name)} of ${quoted(typeName(value))} object is unsafe.`,
      "SecurityError",
    );
  if (!(value instanceof Namespace) && DUNDERS.has(name)) return unsafe();
  if (MUTATING[typeName(value)]?.includes(name)) return unsafe();
  return attributeOf(value, name);
}

export function getAttribute(value: Value, name: string): Value {
  if (value instanceof Undefined) throw value.fail();
  if (value instanceof Lost) throw unsupported(value.what);
  const attribute = safeAttribute(value, name);
  const found = attribute === undefined ? itemOf(value, name) : attribute;
  return orElse(found, missing(value, quoted(name), "attribute"));
}

export function getItem(value: Value, key: Value): Value {
  if (value instanceof Undefined) throw value.fail();
  for (const part of [value, key]) if (part instanceof Lost) throw unsupported(part.what);
  const item = itemOf(value, key);
  if (item !== undefined) return item;
  const name = textOf(key);
  if (name !== undefined)
    return orElse(safeAttribute(value, name), missing(value, quoted(name), "attribute"));
  return missing(value, "", "element");
}

function missing(value: Value, name: string, kind: "attribute" | "element"): Undefined {
  const owner = value === null ? "None" : `${typeName(value)} object`;
  if (kind === "element") return new Undefined(`${owner} has no such element`);
  return new Undefined(`'${owner}' has no attribute ${name}`);
}

/** `value[key]`; undefined where Python raises. */
function itemOf(value: Value, key: Value): Value | undefined {
  if (value instanceof Dict) return isHashable(key) ? value.get(key) : undefined;
  const index = integer(key);
  if (index === undefined) return undefined;
  const text = textOf(value);
  if (text !== undefined) {
    const character = characterAt(text, Number(index));
    return character !== undefined && value instanceof Markup ? new Markup(character) : character;
  }
  const at = Number(index);
  if (value instanceof PyRange) {
    const real = at < 0 ? at + value.length : at;
    return real >= 0 && real < value.length ? value.at(real) : undefined;
  }
  const items = value instanceof Tuple ? value.items : value;
  return Array.isArray(items) ? (items as Value[]).at(at) : undefined;
}

const isHashable = (key: Value): boolean =>
  !(Array.isArray(key) || key instanceof Dict || key instanceof DictView) &&
  !(key instanceof Tuple && !key.items.every(isHashable));

/** `value[start:stop:step]`. */
export function getSlice(value: Value, start: Value, stop: Value, step: Value): Value {
  if (value instanceof Undefined) throw value.fail();
  const text = textOf(value);
  if (text !== undefined) {
    const part = sliceText(text, start, stop, step);
    return value instanceof Markup ? new Markup(part) : part;
  }
  if (Array.isArray(value)) return pick(value, start, stop, step);
  if (value instanceof Tuple) return new Tuple(pick(value.items, start, stop, step));
  if (value instanceof PyRange) throw unsupported("a slice of a range");
  if (value instanceof Dict) throw pythonError("TypeError", "unhashable type: 'slice'");
  throw pythonError("TypeError", `'${typeName(value)}' object is not subscriptable`);
}

function sliceText(text: string, start: Value, stop: Value, step: Value): string {
  if (step !== null || !isPlain(text)) return pick(points(text), start, stop, step).join("");
  const [from, to] = [bound(start), bound(stop)];
  return text.slice(from, to);
}

function pick<T>(items: readonly T[], start: Value, stop: Value, step: Value): T[] {
  const by = bound(step) ?? 1;
  if (by === 0) throw pythonError("ValueError", "slice step cannot be zero");
  const [low, high] = by > 0 ? [0, items.length] : [-1, items.length - 1];
  const clip = (at: number | undefined, otherwise: number): number => {
    if (at === undefined) return otherwise;
    return Math.min(high, Math.max(low, at < 0 ? at + items.length : at));
  };
  const from = clip(bound(start), by > 0 ? low : high);
  const to = clip(bound(stop), by > 0 ? high : low);
  const count = Math.max(0, Math.ceil((to - from) / by));
  spendItems(count);
  return by === 1
    ? items.slice(from, Math.max(from, to))
    : Array.from({ length: count }, (_, i) => items[from + i * by]!);
}

function bound(value: Value): number | undefined {
  if (value === null) return undefined;
  const number = integer(value);
  if (number === undefined)
    throw pythonError("TypeError", "slice indices must be integers or None or have an __index__ method");
  return Number(number);
}
