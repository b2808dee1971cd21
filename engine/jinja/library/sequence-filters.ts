// Jinja2's filters on lists and dicts (jinja2/filters.py). Those that are generators in Python are passed
// over once here, too.
import { spendItems } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { iterate, lengthOf, listOf, truth } from "../values/collections.ts";
import { str } from "../values/repr.ts";
import {
  Dict,
  DictView,
  orElse,
  PyIterator,
  PyRange,
  textOf,
  Tuple,
  typeName,
  Undefined,
} from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, wantInt } from "./arguments.ts";
import { getter } from "./getters.ts";
import type { Getter } from "./getters.ts";
import { joined, reversedText } from "./text-filters.ts";

type Filter = (given: Given) => Value;

const on = (flag: Value | undefined): boolean => flag !== undefined && truth(flag);

export function* passed(value: Value): Generator<Value, void> {
  const items = iterate(value);
  for (let next = items.next(); !next.done; next = items.next()) yield next.value;
}

export const generator = (source: Generator<Value, void>): PyIterator => new PyIterator("generator", source);

const length: Filter = (given) => {
  const [value] = bind("len", "obj /", given);
  const count = lengthOf(value!);
  if (count === undefined)
    throw pythonError("TypeError", `object of type '${typeName(value!)}' has no len()`);
  return count;
};

const first: Filter = (given) => {
  const next = iterate(bind("do_first", "seq", given)[0]!).next();
  return next.done ? new Undefined("No first item, sequence was empty.") : next.value;
};

/** `reversed`; undefined where Python raises. */
function reversedItems(value: Value): Value[] | undefined {
  if (value instanceof PyIterator || !(isSequence(value) || value instanceof Undefined)) return undefined;
  return [...listOf(value)].reverse();
}

const isSequence = (value: Value): boolean =>
  textOf(value) !== undefined ||
  Array.isArray(value) ||
  [Tuple, Dict, DictView, PyRange].some((type) => value instanceof type);

const last: Filter = (given) => {
  const [value] = bind("do_last", "seq", given);
  const items = reversedItems(value!);
  if (!items) throw pythonError("TypeError", `'${typeName(value!)}' object is not reversible`);
  return orElse(items[0], new Undefined("No last item, sequence was empty."));
};

const reverse: Filter = (given) => {
  const [value] = bind("do_reverse", "value", given);
  const text = reversedText(value!);
  if (text !== undefined) return text;
  const items = reversedItems(value!);
  if (items) return new PyIterator(`${typeName(value!)}_reverseiterator`, items[Symbol.iterator]());
  if (!(value instanceof PyIterator)) throw pythonError("FilterArgumentError", "argument must be iterable");
  return [...listOf(value)].reverse();
};

const join: Filter = (given) => {
  const [value, by, attribute] = bind("do_join", "value d? attribute?", given);
  const map: Getter = attribute === undefined || attribute === null ? (item) => item : getter(attribute);
  return joined(value!, by === undefined ? "" : str(by), map);
};

const items: Filter = (given) => {
  const [value] = bind("do_items", "value", given);
  return generator(
    (function* (): Generator<Value, void> {
      if (value instanceof Undefined) return;
      if (!(value instanceof Dict)) throw pythonError("TypeError", "Can only get item pairs from a mapping.");
      for (const pair of value.pairs()) yield new Tuple(pair);
    })(),
  );
};

const batch: Filter = (given) => {
  const [value, count, fill] = bind("do_batch", "value linecount fill_with?", given);
  const size = wantInt(count!);
  return generator(
    (function* (): Generator<Value, void> {
      let row: Value[] = [];
      for (const item of passed(value!)) {
        if (row.length === size) {
          yield row;
          row = [];
        }
        row.push(item);
      }
      if (row.length === 0) return;
      if (fill !== undefined && fill !== null) spendItems(size);
      while (fill !== undefined && fill !== null && row.length < size) row.push(fill);
      yield row;
    })(),
  );
};

const slice: Filter = (given) => {
  const [value, count, fill] = bind("do_slice", "value slices fill_with?", given);
  const slices = wantInt(count!);
  return generator(
    (function* (): Generator<Value, void> {
      const all = listOf(value!);
      if (slices === 0) throw pythonError("ZeroDivisionError", "integer division or modulo by zero");
      const each = Math.floor(all.length / slices);
      const extra = all.length - each * slices;
      let from = 0;
      for (let i = 0; i < slices; i++) {
        const to = from + each + (i < extra ? 1 : 0);
        const part = all.slice(from, to);
        spendItems(part.length);
        if (fill !== undefined && fill !== null && i >= extra) part.push(fill);
        yield part;
        from = to;
      }
    })(),
  );
};

const defaulted: Filter = (given) => {
  const [value, otherwise, boolean] = bind("do_default", "value default_value? boolean?", given);
  if (value instanceof Undefined || (on(boolean) && !truth(value!))) return orElse(otherwise, "");
  return value!;
};

const refused =
  (name: string): Filter =>
  () => {
    throw unsupported(`the filter ${name}`);
  };

export const SEQUENCE_FILTERS: Record<string, Filter> = {
  length,
  count: length,
  first,
  last,
  reverse,
  join,
  items,
  list: (given) => [...listOf(bind("do_list", "value", given)[0]!)],
  batch,
  slice,
  default: defaulted,
  d: defaulted,
  pprint: refused("pprint"),
  random: refused("random"),
  urlize: refused("urlize"),
  wordwrap: refused("wordwrap"),
};
