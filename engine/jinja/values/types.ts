/* oxlint-disable max-lines -- one table: every type of value */
// Values of a template. None, bool, str and list are JavaScript's null, boolean, string and array; an int is
// a number, or a bigint beyond 2^53; all else is an object of its own. A number of JavaScript is therefore
// always an integer here, and 1.0 is a Float.
import { pythonError, unsupported } from "../errors.ts";
import type { PythonError } from "../errors.ts";
import { spend } from "../budget.ts";

export type Int = number | bigint;
export type Value = null | boolean | Int | string | Value[] | PyObject;

/** What a value is called in Python's messages. */
export abstract class PyObject {
  abstract readonly type: string;
}

export class Float extends PyObject {
  override readonly type = "float";
  readonly value: number;
  constructor(value: number) {
    super();
    this.value = value;
  }
}

/** A str that the filter `safe` marked: what is added to it is escaped for HTML. */
export class Markup extends PyObject {
  override readonly type = "Markup";
  readonly text: string;
  constructor(text: string) {
    super();
    this.text = text;
  }
}

export class Tuple extends PyObject {
  override readonly type: string = "tuple";
  readonly items: readonly Value[];
  constructor(items: readonly Value[]) {
    super();
    this.items = items;
  }
}

/** What the filter `groupby` gives. */
export class GroupTuple extends Tuple {
  override readonly type = "_GroupTuple";
}

export class PyRange extends PyObject {
  override readonly type = "range";
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  readonly length: number;
  constructor(start: number, stop: number, step: number) {
    super();
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.length = Math.max(0, Math.ceil((stop - start) / step));
  }
  at(index: number): number {
    return this.start + index * this.step;
  }
}

/** A generator or another value that is passed over once. */
export class PyIterator extends PyObject {
  override readonly type: string;
  private readonly source: Iterator<Value>;
  constructor(type: string, source: Iterator<Value>) {
    super();
    this.type = type;
    this.source = source;
  }
  next(): IteratorResult<Value> {
    return this.source.next();
  }
}

export class Undefined extends PyObject {
  override readonly type = "Undefined";
  private readonly message: string;
  private readonly error: PythonError;
  constructor(message: string, error: PythonError = "UndefinedError") {
    super();
    this.message = message;
    this.error = error;
  }
  fail(): Error {
    return pythonError(this.error, this.message);
  }
}

export const undefinedName = (name: string): Undefined => new Undefined(`'${name}' is undefined`);

export interface Given {
  args: Value[];
  named: ReadonlyMap<string, Value>;
}

export class PyFunction extends PyObject {
  override readonly type = "function";
  readonly name: string;
  readonly call: (given: Given) => Value;
  constructor(name: string, call: (given: Given) => Value) {
    super();
    this.name = name;
    this.call = call;
  }
}

export class Namespace extends PyObject {
  override readonly type = "Namespace";
  readonly attrs: Dict;
  constructor(attrs: Dict) {
    super();
    this.attrs = attrs;
  }
}

/** A value of a row whose exact form JavaScript has lost: it may be there, but not be used. */
export class Lost extends PyObject {
  override readonly type = "lost";
  readonly what: string;
  constructor(what: string) {
    super();
    this.what = what;
  }
}

type Key = string | number | bigint | boolean | null | object;

/** Keys are equal as in Python: 1, 1.0 and True are one key. Order is that of insertion. */
export class Dict extends PyObject {
  override readonly type = "dict";
  /** JavaScript has changed the order of the keys. */
  orderLost = false;
  private readonly entries = new Map<Key, [Value, Value]>();

  static of(pairs: Iterable<readonly [Value, Value]>): Dict {
    const dict = new Dict();
    for (const [key, value] of pairs) dict.set(key, value);
    return dict;
  }

  get size(): number {
    return this.entries.size;
  }
  get(key: Value): Value | undefined {
    return this.entries.get(keyOf(key))?.[1];
  }
  set(key: Value, value: Value): void {
    const hashed = keyOf(key);
    const found = this.entries.get(hashed);
    if (found) found[1] = value;
    else this.entries.set(hashed, [key, value]);
  }
  *pairs(): Generator<[Value, Value], void> {
    if (this.orderLost && this.size > 1)
      throw unsupported("the order of an object whose keys are numbers (JavaScript sorts them)");
    for (const pair of this.entries.values()) {
      spend(1);
      yield pair;
    }
  }
  keys(): Value[] {
    return [...this.pairs()].map(([key]) => key);
  }
  values(): Value[] {
    return [...this.pairs()].map(([, value]) => value);
  }
}

export class DictView extends PyObject {
  override readonly type: "dict_keys" | "dict_values" | "dict_items";
  readonly dict: Dict;
  constructor(type: DictView["type"], dict: Dict) {
    super();
    this.type = type;
    this.dict = dict;
  }
  items(): Value[] {
    if (this.type === "dict_keys") return this.dict.keys();
    if (this.type === "dict_values") return this.dict.values();
    return [...this.dict.pairs()].map((pair) => new Tuple(pair));
  }
}

/**
 * Equal keys have equal hashes; a text that looks like the hash of a tuple is told apart by its first
 * character.
 */
function keyOf(value: Value): Key {
  if (typeof value === "string") return value.startsWith("\0") ? `\0s${value}` : value;
  if (value instanceof Markup) return keyOf(value.text);
  if (typeof value === "boolean") return Number(value);
  if (value instanceof Float)
    return Number.isInteger(value.value) && !Number.isSafeInteger(value.value)
      ? BigInt(value.value)
      : value.value;
  if (value instanceof Tuple) return `\0t${value.items.map((item) => tagged(keyOf(item))).join("\0,")}`;
  if (Array.isArray(value) || value instanceof Dict || value instanceof DictView)
    throw pythonError("TypeError", `unhashable type: '${typeName(value)}'`);
  if (value instanceof Undefined) return "\0u";
  return value;
}

function tagged(key: Key): string {
  if (key !== null && typeof key === "object") throw unsupported("a tuple of objects as a key");
  return `${typeof key}${String(key)}`;
}

/** For values: `??` would take None for nothing. */
export const orElse = <T, U>(value: T | undefined, otherwise: U): T | U =>
  value === undefined ? otherwise : value;

export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return "int";
  if (typeof value === "string") return "str";
  if (Array.isArray(value)) return "list";
  return value.type;
}

/** The text of a str. */
export function textOf(value: Value): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Markup ? value.text : undefined;
}

export const isInt = (value: Value): value is Int => typeof value === "number" || typeof value === "bigint";
