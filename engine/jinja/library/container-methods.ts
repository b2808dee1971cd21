// Methods of list, tuple, dict, int, float and range.
import { pythonError } from "../errors.ts";
import { equal, listOf } from "../values/collections.ts";
import { bits, numeric } from "../values/numbers.ts";
import { Dict, DictView, Float, isInt, orElse, PyFunction, PyRange, Tuple } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, position } from "./arguments.ts";

/** The sandbox gives none of these. */
export const MUTATING: Record<string, string[]> = {
  list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"],
  dict: ["clear", "pop", "popitem", "setdefault", "update"],
};

/** Python has these, too. */
export const OTHER_METHODS: Record<string, string[]> = {
  int: ["as_integer_ratio", "bit_count", "from_bytes", "to_bytes"],
  bool: ["as_integer_ratio", "bit_count", "from_bytes", "to_bytes"],
  float: ["as_integer_ratio", "fromhex", "hex"],
  dict_keys: ["isdisjoint", "mapping"],
  dict_items: ["isdisjoint", "mapping"],
  dict_values: ["mapping"],
  range: ["count", "index"],
  function: ["name"],
};

type Methods<T> = Record<string, (self: T, given: Given) => Value>;

const SEQUENCE: Methods<readonly Value[]> = {
  count: (items, given) => {
    const value = bind("count", "value /", given)[0]!;
    return items.filter((item) => equal(item, value)).length;
  },
  index: (items, given) => {
    const [value, start, stop] = bind("index", "value start? stop? /", given);
    const from = position(start, 0, items.length);
    const to = position(stop, items.length, items.length);
    const found = items.findIndex((item, i) => i >= from && i < to && equal(item, value!));
    if (found < 0) throw pythonError("ValueError", "value is not in list");
    return found;
  },
};

const LIST: Methods<readonly Value[]> = {
  ...SEQUENCE,
  copy: (items, given) => {
    bind("copy", "", given);
    return [...items];
  },
};

const DICT: Methods<Dict> = {
  get: (dict, given) => {
    const [key, otherwise] = bind("get", "key default? /", given);
    return orElse(dict.get(key!), otherwise ?? null);
  },
  keys: view("dict_keys"),
  values: view("dict_values"),
  items: view("dict_items"),
  copy: (dict, given) => {
    bind("copy", "", given);
    return Dict.of(dict.pairs());
  },
  fromkeys: (_, given) => fromKeys(given),
};

function view(type: DictView["type"]): (dict: Dict, given: Given) => Value {
  return (dict, given) => {
    bind(type.slice(5), "", given);
    return new DictView(type, dict);
  };
}

export function fromKeys(given: Given): Dict {
  const [keys, value] = bind("fromkeys", "iterable value? /", given);
  return Dict.of(listOf(keys!).map((key) => [key, value ?? null]));
}

export function containerMethod(value: Value, name: string): Value | undefined {
  if (Array.isArray(value)) return bound(LIST, value, name);
  if (value instanceof Tuple) {
    if (value.type === "_GroupTuple" && name === "grouper") return value.items[0];
    if (value.type === "_GroupTuple" && name === "list") return value.items[1];
    return bound(SEQUENCE, value.items, name);
  }
  if (value instanceof Dict) return bound(DICT, value, name);
  if (value instanceof PyRange) return rangeAttribute(value, name);
  return numberAttribute(value, name);
}

function bound<T>(methods: Methods<T>, self: T, name: string): Value | undefined {
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  return method && new PyFunction(name, (given) => method(self, given));
}

function rangeAttribute(range: PyRange, name: string): Value | undefined {
  return name === "start" || name === "stop" || name === "step" ? range[name] : undefined;
}

function numberAttribute(value: Value, name: string): Value | undefined {
  const number = numeric(value);
  if (number === undefined) return undefined;
  if (name === "real") return number;
  if (name === "imag") return number instanceof Float ? new Float(0) : 0;
  if (name === "conjugate") return new PyFunction(name, () => number);
  if (number instanceof Float) {
    if (name === "is_integer") return new PyFunction(name, () => Number.isInteger(number.value));
    return undefined;
  }
  if (name === "numerator") return number;
  if (name === "denominator") return 1;
  if (name === "bit_length") return new PyFunction(name, () => bitLength(number));
  return undefined;
}

function bitLength(value: Value): number {
  if (!isInt(value) || Number(value) === 0) return 0;
  const size = BigInt(value) < 0n ? -BigInt(value) : BigInt(value);
  return bits(size) === 0 ? 0 : size.toString(2).length;
}
