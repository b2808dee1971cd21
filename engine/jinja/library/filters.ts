// The tables of filters and tests, and the filters that call others by name.
import { pythonError } from "../errors.ts";
import { truth } from "../values/collections.ts";
import { textOf, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind, wantText } from "./arguments.ts";
import { attributeOf, getAttribute } from "./attributes.ts";
import { getter } from "./getters.ts";
import type { Getter } from "./getters.ts";
import { toJson } from "./json.ts";
import { NUMBER_FILTERS } from "./number-filters.ts";
import { ORDER_FILTERS } from "./order-filters.ts";
import { generator, passed, SEQUENCE_FILTERS } from "./sequence-filters.ts";
import { noSuch, TABLE_TESTS, TESTS } from "./tests.ts";
import { TEXT_FILTERS } from "./text-filters.ts";

type Filter = (given: Given) => Value;

const attr: Filter = (given) => {
  const [value, name] = bind("do_attr", "obj name", given);
  const wanted = wantText("attribute name", name);
  if (!(value instanceof Undefined) && attributeOf(value!, wanted) === undefined && !wanted.startsWith("__"))
    return new Undefined(`no attribute '${wanted}'`);
  return getAttribute(value!, wanted);
};

const map: Filter = ({ args: [value, ...args], named }) =>
  generator(
    (function* (): Generator<Value, void> {
      if (!truth(value!)) return;
      const change = mapping(args, named);
      for (const item of passed(value!)) yield change(item);
    })(),
  );

function mapping([name, ...args]: Value[], named: ReadonlyMap<string, Value>): Getter {
  if (name === undefined && named.has("attribute")) {
    const other = [...named.keys()].find((key) => key !== "attribute" && key !== "default");
    if (other !== undefined)
      throw pythonError("FilterArgumentError", `Unexpected keyword argument '${other}'`);
    return getter(named.get("attribute")!, (item) => item, named.get("default") ?? null);
  }
  if (name === undefined) throw pythonError("FilterArgumentError", "map requires a filter argument");
  return (item) => callFilter(filterName(name), { args: [item, ...args], named });
}

const filterName = (name: Value): string => textOf(name) ?? "";

/** `select` and its three relatives: by a test on the item, or on an attribute of it. */
const selection =
  (keeps: boolean, byAttribute: boolean): Filter =>
  ({ args: [value, ...args], named }) =>
    generator(
      (function* (): Generator<Value, void> {
        if (!truth(value!)) return;
        if (byAttribute && args.length === 0)
          throw pythonError("FilterArgumentError", "Missing parameter for attribute name");
        const get: Getter = byAttribute ? getter(args[0]!) : (item) => item;
        const [name, ...others] = byAttribute ? args.slice(1) : args;
        for (const item of passed(value!)) {
          const tried = get(item);
          const holds =
            name === undefined
              ? truth(tried)
              : callTest(filterName(name), { args: [tried, ...others], named });
          if (holds === keeps) yield item;
        }
      })(),
    );

const FILTERS: ReadonlyMap<string, Filter> = new Map(
  Object.entries<Filter>({
    ...TEXT_FILTERS,
    ...NUMBER_FILTERS,
    ...SEQUENCE_FILTERS,
    ...ORDER_FILTERS,
    tojson: toJson,
    attr,
    map,
    select: selection(true, false),
    reject: selection(false, false),
    selectattr: selection(true, true),
    rejectattr: selection(false, true),
  }),
);

export const hasFilter = (name: string): boolean => FILTERS.has(name);
export const hasTest = (name: string): boolean => TESTS.has(name) || TABLE_TESTS.includes(name);

export function callFilter(name: string, given: Given): Value {
  const filter = FILTERS.get(name);
  if (!filter) throw noSuch("filter", name);
  return filter(given);
}

export function callTest(name: string, given: Given): boolean {
  if (TABLE_TESTS.includes(name)) {
    const wanted = textOf(given.args[0]!);
    return wanted !== undefined && (name === "filter" ? hasFilter(wanted) : hasTest(wanted));
  }
  const test = TESTS.get(name);
  if (!test) throw noSuch("test", name);
  return test(given);
}
