// Jinja2's filters that sort, compare and add up (jinja2/filters.py).
import { pythonError } from "../errors.ts";
import { equal, listOf, ordered, sorted, truth } from "../values/collections.ts";
import { binary } from "../values/operators.ts";
import { Dict, GroupTuple, orElse, textOf, Tuple, typeName, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind } from "./arguments.ts";
import { caseOf, getter, ignoreCase, multiGetter } from "./getters.ts";
import type { Getter } from "./getters.ts";
import { generator, passed } from "./sequence-filters.ts";

type Filter = (given: Given) => Value;

const on = (flag: Value | undefined): boolean => flag !== undefined && truth(flag);

const dictSort: Filter = (given) => {
  const [value, sensitive, by, reversed] = bind("do_dictsort", "value case_sensitive? by? reverse?", given);
  const side = by === undefined ? 0 : ["key", "value"].indexOf(textOf(by) ?? "");
  if (side < 0) throw pythonError("FilterArgumentError", 'You can only sort by either "key" or "value"');
  if (value instanceof Undefined) throw value.fail();
  if (!(value instanceof Dict))
    throw pythonError("AttributeError", `'${typeName(value!)}' object has no attribute 'items'`);
  const pairs = [...value.pairs()].map((pair) => new Tuple(pair));
  const change = caseOf(on(sensitive));
  return sorted(pairs, (pair) => change((pair as Tuple).items[side]!), on(reversed));
};

const sort: Filter = (given) => {
  const [value, reversed, sensitive, attribute] = bind(
    "do_sort",
    "value reverse? case_sensitive? attribute?",
    given,
  );
  return sorted(listOf(value!), multiGetter(attribute ?? null, caseOf(on(sensitive))), on(reversed));
};

const unique: Filter = (given) => {
  const [value, sensitive, attribute] = bind("do_unique", "value case_sensitive? attribute?", given);
  const get = getter(attribute ?? null, caseOf(on(sensitive)));
  return generator(
    (function* (): Generator<Value, void> {
      const seen = new Dict();
      for (const item of passed(value!)) {
        const key = get(item);
        if (seen.get(key) !== undefined) continue;
        seen.set(key, true);
        yield item;
      }
    })(),
  );
};

const extreme =
  (name: "min" | "max"): Filter =>
  (given) => {
    const [value, sensitive, attribute] = bind(`do_${name}`, "value case_sensitive? attribute?", given);
    const get = getter(attribute ?? null, caseOf(on(sensitive)));
    let best: { item: Value; key: Value } | undefined;
    for (const item of passed(value!)) {
      const key = get(item);
      if (best === undefined || ordered(name === "min" ? "<" : ">", key, best.key)) best = { item, key };
    }
    return best === undefined ? new Undefined("No aggregated item, sequence was empty.") : best.item;
  };

const sum: Filter = (given) => {
  const [value, attribute, start] = bind("do_sum", "iterable attribute? start?", given);
  const get: Getter = attribute === undefined || attribute === null ? (item) => item : getter(attribute);
  let total: Value = orElse(start, 0);
  if (textOf(total) !== undefined)
    throw pythonError("TypeError", "sum() can't sum strings [use ''.join(seq) instead]");
  for (const item of passed(value!)) total = binary("+", total, get(item));
  return total;
};

const groupBy: Filter = (given) => {
  const [value, attribute, otherwise, sensitive] = bind(
    "do_groupby",
    "value attribute default? case_sensitive?",
    given,
  );
  const exact = getter(attribute!, (item) => item, otherwise ?? null);
  const get = on(sensitive) ? exact : getter(attribute!, ignoreCase, otherwise ?? null);
  const groups: { key: Value; members: Value[] }[] = [];
  for (const item of sorted(listOf(value!), get, false)) {
    const key = get(item);
    const current = groups.at(-1);
    if (current && equal(current.key, key)) current.members.push(item);
    else groups.push({ key, members: [item] });
  }
  return groups.map(
    ({ key, members }) => new GroupTuple([on(sensitive) ? key : exact(members[0]!), members]),
  );
};

export const ORDER_FILTERS: Record<string, Filter> = {
  dictsort: dictSort,
  sort,
  unique,
  min: extreme("min"),
  max: extreme("max"),
  sum,
  groupby: groupBy,
};
