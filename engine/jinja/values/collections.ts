/* oxlint-disable max-lines -- one story: what each type does when it is measured, passed over and compared */
// What `len`, `iter`, `bool`, `==`, `<` and `in` do with each type.
import { nested, spend, spendItems, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { compareNumbers, numeric } from "./numbers.ts";
import { textLength } from "./text.ts";
import {
  Dict,
  DictView,
  Float,
  Lost,
  PyIterator,
  PyObject,
  PyRange,
  textOf,
  Tuple,
  typeName,
  Undefined,
} from "./types.ts";
import type { Value } from "./types.ts";

export function truth(value: Value): boolean {
  if (value === null || value === false || value === 0 || value === "") return false;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Lost) throw unsupported(value.what);
  const length = lengthOf(value);
  return length === undefined || length > 0;
}

/** Values of the runtime that have a length or can be passed over. */
export interface Sized {
  length: number;
}

/** `len`; undefined where Python raises. */
export function lengthOf(value: Value): number | undefined {
  const text = textOf(value);
  if (text !== undefined) return textLength(text);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Tuple) return value.items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof DictView) return value.dict.size;
  if (value instanceof Undefined) return 0;
  if (value instanceof Lost) throw unsupported(value.what);
  return value instanceof PyObject && "length" in value ? (value as unknown as Sized).length : undefined;
}

function* counted(items: Iterable<Value>): Generator<Value, void> {
  for (const item of items) {
    spend(1);
    yield item;
  }
}

/** `iter`; undefined where Python raises. */
export function iteratorOf(value: Value): Iterator<Value> | undefined {
  const text = textOf(value);
  if (text !== undefined) return counted(text);
  if (Array.isArray(value)) return counted(value);
  if (value instanceof Tuple) return counted(value.items);
  if (value instanceof Dict) return counted(value.keys());
  if (value instanceof DictView) return counted(value.items());
  if (value instanceof PyRange) return counted(rangeItems(value));
  if (value instanceof PyIterator) return value;
  if (value instanceof Undefined) return counted([]);
  if (value instanceof Lost) throw unsupported(value.what);
  if (value instanceof PyObject && value.type === "LoopContext") throw unsupported("a loop over `loop`");
  return undefined;
}

function* rangeItems(range: PyRange): Generator<Value, void> {
  for (let i = 0; i < range.length; i++) yield range.at(i);
}

export function iterate(value: Value): Iterator<Value> {
  const iterator = iteratorOf(value);
  if (!iterator) throw pythonError("TypeError", `'${typeName(value)}' object is not iterable`);
  return iterator;
}

export function listOf(value: Value): Value[] {
  if (Array.isArray(value)) {
    spendItems(value.length);
    return value;
  }
  const iterator = iterate(value);
  const items: Value[] = [];
  for (let next = iterator.next(); !next.done; next = iterator.next()) items.push(next.value);
  return items;
}

export function equal(a: Value, b: Value): boolean {
  spend(1);
  if (a === b) return true;
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) return compareNumbers(left, right) === 0;
  const text = textOf(a);
  if (text !== undefined) return text === textOf(b);
  if (a instanceof Lost || b instanceof Lost) throw unsupported((a instanceof Lost ? a : (b as Lost)).what);
  return nested(() => equalObjects(a, b));
}

function equalObjects(a: Value, b: Value): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && equalItems(a, b);
  if (a instanceof Tuple) return b instanceof Tuple && equalItems(a.items, b.items);
  if (a instanceof Dict) return b instanceof Dict && equalDicts(a, b);
  if (a instanceof Undefined) return b instanceof Undefined;
  if (a instanceof PyRange) return b instanceof PyRange && equalItems([...rangeItems(a)], [...rangeItems(b)]);
  if (a instanceof DictView && b instanceof DictView && a.type !== "dict_values") {
    const others = b.items();
    return (
      b.type !== "dict_values" && a.dict.size === b.dict.size && a.items().every((x) => among(x, others))
    );
  }
  return false;
}

const equalItems = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((item, i) => equal(item, b[i]!));

function equalDicts(a: Dict, b: Dict): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a.pairs()) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

const among = (value: Value, items: readonly Value[]): boolean => items.some((item) => equal(value, item));

type Order = "<" | "<=" | ">" | ">=";

export function ordered(op: Order, a: Value, b: Value): boolean {
  spend(1);
  const order = orderOf(a, b, op);
  if (order === undefined) return false;
  if (op === "<") return order < 0;
  if (op === "<=") return order <= 0;
  return op === ">" ? order > 0 : order >= 0;
}

/** Undefined: a NaN is compared. */
function orderOf(a: Value, b: Value, op: Order): number | undefined {
  for (const value of [a, b]) if (value instanceof Undefined) throw value.fail();
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) return compareNumbers(left, right);
  const texts = [textOf(a), textOf(b)];
  if (texts[0] !== undefined && texts[1] !== undefined) return compareTexts(texts[0], texts[1]);
  if (Array.isArray(a) && Array.isArray(b)) return nested(() => orderOfItems(a, b, op));
  if (a instanceof Tuple && b instanceof Tuple) return nested(() => orderOfItems(a.items, b.items, op));
  if (a instanceof DictView && b instanceof DictView) throw unsupported(`${op} of ${a.type}`);
  throw pythonError(
    "TypeError",
    `'${op}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

function orderOfItems(a: readonly Value[], b: readonly Value[], op: Order): number | undefined {
  const differs = a.findIndex((item, i) => i >= b.length || !equal(item, b[i]!));
  if (differs >= 0 && differs < b.length) return orderOf(a[differs]!, b[differs]!, op);
  return a.length - b.length;
}

/** By code points; JavaScript's own order is by UTF-16. */
export function compareTexts(a: string, b: string): number {
  spendText(Math.min(a.length, b.length), true);
  if (a === b) return 0;
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  if (i === a.length || i === b.length) return a.length - b.length;
  const left = a.charCodeAt(i);
  const right = b.charCodeAt(i);
  // Halves of characters beyond U+FFFF are greater than U+E000 to U+FFFF.
  const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
  return rank(left) - rank(right);
}

export function contains(container: Value, value: Value): boolean {
  const text = textOf(container);
  if (text !== undefined) {
    const part = textOf(value);
    if (part === undefined)
      throw pythonError("TypeError", `'in <string>' requires string as left operand, not ${typeName(value)}`);
    spendText(text.length);
    return text.includes(part);
  }
  if (container instanceof Dict) return container.get(value) !== undefined;
  if (container instanceof DictView && container.type === "dict_keys")
    return container.dict.get(value) !== undefined;
  const iterator = iteratorOf(container);
  if (!iterator) throw pythonError("TypeError", `argument of type '${typeName(container)}' is not iterable`);
  for (let next = iterator.next(); !next.done; next = iterator.next())
    if (equal(next.value, value)) return true;
  return false;
}

/** A stable sort by `<`, as `sorted` does it. */
export function sorted(items: readonly Value[], key: (item: Value) => Value, reverse: boolean): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  if (reverse) keyed.reverse();
  keyed.sort((a, b) => (ordered("<", a.key, b.key) ? -1 : ordered("<", b.key, a.key) ? 1 : 0));
  if (reverse) keyed.reverse();
  return keyed.map(({ item }) => item);
}
