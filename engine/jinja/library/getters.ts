// The `attribute` of filters: a path with dots, whose numbers are indices; several of them with commas.
import type { Value } from "../values/types.ts";
import { textOf, Undefined } from "../values/types.ts";
import { getItem } from "./attributes.ts";

export type Getter = (item: Value) => Value;

/** Texts in lower case; other values as they are. */
export function ignoreCase(value: Value): Value {
  const text = textOf(value);
  return text === undefined ? value : text.toLowerCase();
}

export const caseOf = (sensitive: boolean): Getter => (sensitive ? (value) => value : ignoreCase);

export function getter(attribute: Value, change: Getter = (value) => value, otherwise: Value = null): Getter {
  const path = pathOf(attribute);
  return (item) => {
    let value = item;
    for (const part of path) {
      value = getItem(value, part);
      if (otherwise !== null && value instanceof Undefined) value = otherwise;
    }
    return change(value);
  };
}

/** Lists of the values, to sort by. */
export function multiGetter(attribute: Value, change: Getter): Getter {
  const text = textOf(attribute);
  const getters = (text === undefined ? [attribute] : text.split(",")).map((one) => getter(one, change));
  return (item) => getters.map((get) => get(item));
}

function pathOf(attribute: Value): Value[] {
  if (attribute === null) return [];
  const text = textOf(attribute);
  if (text === undefined) return [attribute];
  return text.split(".").map((part) => (/^\p{Nd}+$/u.test(part) ? Number(part) : part));
}
