// Jinja2's tests, `x is name` (jinja2/tests.py).
import { pythonError, unsupported } from "../errors.ts";
import { contains, equal, iteratorOf, lengthOf, ordered } from "../values/collections.ts";
import { binary } from "../values/operators.ts";
import { str } from "../values/repr.ts";
import {
  Dict,
  DictView,
  Float,
  isInt,
  Markup,
  PyObject,
  textOf,
  typeName,
  Undefined,
} from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind } from "./arguments.ts";
import { isLower, isUpper } from "./text-methods.ts";

export type Test = (given: Given) => boolean;

const one =
  (name: string, holds: (value: Value) => boolean): Test =>
  (given) =>
    holds(bind(name, "value", given)[0]!);

const two =
  (name: string, signature: string, holds: (value: Value, other: Value) => boolean): Test =>
  (given) => {
    const [value, other] = bind(name, signature, given);
    return holds(value!, other!);
  };

const remainder = (value: Value, by: Value): Value => binary("%", value, by);

function isSequence(value: Value): boolean {
  if (value instanceof DictView) return false;
  return lengthOf(value) !== undefined && typeName(value) !== "LoopContext";
}

/** Identity. Whether equal texts and large numbers are one object is a matter of CPython's memory. */
function sameAs(value: Value, other: Value): boolean {
  const small = (number: Value): boolean => typeof number === "number" && number >= -5 && number <= 256;
  const plain = (item: Value): boolean => isInt(item) || typeof item === "string" || item instanceof Float;
  if (plain(value) && plain(other) && equal(value, other) && !(small(value) && small(other)))
    throw unsupported("the test sameas of texts and numbers");
  return value === other;
}

function isCallable(value: Value): boolean {
  if (value instanceof Undefined) return true;
  return value instanceof PyObject && "call" in value;
}

const order = (name: string, op: "<" | "<=" | ">" | ">="): Test =>
  two(name, "a b /", (a, b) => ordered(op, a, b));
const equalTo = two("eq", "a b /", equal);
const unequalTo = two("ne", "a b /", (a, b) => !equal(a, b));

export const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ["odd", one("odd", (value) => equal(remainder(value, 2), 1))],
  ["even", one("even", (value) => equal(remainder(value, 2), 0))],
  ["divisibleby", two("divisibleby", "value num", (value, num) => equal(remainder(value, num), 0))],
  ["defined", one("defined", (value) => !(value instanceof Undefined))],
  ["undefined", one("undefined", (value) => value instanceof Undefined)],
  ["none", one("none", (value) => value === null)],
  ["boolean", one("boolean", (value) => typeof value === "boolean")],
  ["false", one("false", (value) => value === false)],
  ["true", one("true", (value) => value === true)],
  ["integer", one("integer", isInt)],
  ["float", one("float", (value) => value instanceof Float)],
  ["lower", one("lower", (value) => isLower(str(value)))],
  ["upper", one("upper", (value) => isUpper(str(value)))],
  ["string", one("string", (value) => textOf(value) !== undefined)],
  ["mapping", one("mapping", (value) => value instanceof Dict)],
  ["number", one("number", (value) => isInt(value) || value instanceof Float || typeof value === "boolean")],
  ["sequence", one("sequence", isSequence)],
  [
    "iterable",
    one("iterable", (value) => typeName(value) === "LoopContext" || iteratorOf(value) !== undefined),
  ],
  ["callable", one("callable", isCallable)],
  ["sameas", two("sameas", "value other", sameAs)],
  ["escaped", one("escaped", (value) => value instanceof Markup)],
  ["in", two("in", "value seq", (value, seq) => contains(seq, value))],
  ...["==", "eq", "equalto"].map((name) => [name, equalTo] as const),
  ...["!=", "ne"].map((name) => [name, unequalTo] as const),
  ...[">", "gt", "greaterthan"].map((name) => [name, order(name, ">")] as const),
  ...[">=", "ge"].map((name) => [name, order(name, ">=")] as const),
  ...["<", "lt", "lessthan"].map((name) => [name, order(name, "<")] as const),
  ...["<=", "le"].map((name) => [name, order(name, "<=")] as const),
]);

/** These ask for the tables themselves, which `filters.ts` has. */
export const TABLE_TESTS = ["filter", "test"];

export function noSuch(kind: "filter" | "test", name: string): Error {
  return pythonError("TemplateRuntimeError", `No ${kind} named '${name}' found.`);
}
