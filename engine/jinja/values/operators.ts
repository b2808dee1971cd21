// The operators `+ - * / // % **`, `~` and the comparisons, by the types of both sides.
import { spendItems, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import type { BinaryOperator, CompareOperator, UnaryOperator } from "../syntax/ast.ts";
import { contains, equal, ordered, truth } from "./collections.ts";
import { escapeHtml } from "./html.ts";
import { calculate, integer, negate, numeric } from "./numbers.ts";
import { percentFormat } from "./percent.ts";
import { DictView, Lost, Markup, textOf, Tuple, typeName, Undefined } from "./types.ts";
import type { Value } from "./types.ts";

type Arithmetic = Exclude<BinaryOperator, "and" | "or">;

export function binary(op: Arithmetic, a: Value, b: Value): Value {
  if (typeof a === "string" && typeof b === "string" && op === "+") return join(a, b);
  // A text on the left prints the undefined value.
  if (op === "%" && textOf(a) !== undefined) return percentFormat(a, b);
  for (const value of [a, b]) {
    if (value instanceof Undefined) throw value.fail();
    if (value instanceof Lost) throw unsupported(value.what);
  }
  const left = numeric(a);
  const right = numeric(b);
  if (left !== undefined && right !== undefined) return calculate(op, left, right);
  const made = op === "+" ? added(a, b) : op === "*" ? repeated(a, b) : undefined;
  if (made !== undefined) return made;
  if (a instanceof DictView && b instanceof DictView) throw unsupported(`${op} of ${a.type}`);
  throw operandError(op, a, b);
}

function operandError(op: Arithmetic, a: Value, b: Value): Error {
  const [left, right] = [typeName(a), typeName(b)];
  if (op === "+" && (left === "str" || left === "list" || left === "tuple"))
    return pythonError("TypeError", `can only concatenate ${left} (not "${right}") to ${left}`);
  const sign = op === "**" ? "** or pow()" : op;
  return pythonError("TypeError", `unsupported operand type(s) for ${sign}: '${left}' and '${right}'`);
}

function join(a: string, b: string): string {
  spendText(a.length + b.length, true);
  return a + b;
}

function added(a: Value, b: Value): Value | undefined {
  const [left, right] = [textOf(a), textOf(b)];
  if (left !== undefined && right !== undefined) {
    if (typeof a === "string" && typeof b === "string") return join(a, b);
    return new Markup(join(escapeHtml(a), escapeHtml(b)));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    spendItems(a.length + b.length);
    return [...a, ...b];
  }
  return a instanceof Tuple && b instanceof Tuple ? new Tuple([...a.items, ...b.items]) : undefined;
}

function repeated(a: Value, b: Value): Value | undefined {
  const [sequence, count] = integer(b) === undefined ? [b, integer(a)] : [a, integer(b)];
  const text = textOf(sequence);
  const items = sequence instanceof Tuple ? sequence.items : sequence;
  if (count === undefined || (text === undefined && !Array.isArray(items))) return undefined;
  const times = Math.max(0, Number(count));
  if (times >= 2 ** 63) throw pythonError("OverflowError", "cannot fit 'int' into an index-sized integer");
  if (text !== undefined) {
    spendText(text.length * times);
    const made = text.repeat(text === "" ? 0 : times);
    return sequence instanceof Markup ? new Markup(made) : made;
  }
  const list = items as Value[];
  spendItems(list.length * times);
  const made = list.length === 0 ? [] : Array.from({ length: times }, () => list).flat();
  return sequence instanceof Tuple ? new Tuple(made) : made;
}

export function unary(op: UnaryOperator, value: Value): Value {
  if (op === "not") return !truth(value);
  if (value instanceof Undefined) throw value.fail();
  const number = numeric(value);
  if (number === undefined)
    throw pythonError("TypeError", `bad operand type for unary ${op}: '${typeName(value)}'`);
  return op === "-" ? negate(number) : number;
}

export function compare(op: CompareOperator, a: Value, b: Value): boolean {
  if (op === "eq") return equal(a, b);
  if (op === "ne") return !equal(a, b);
  if (op === "in") return contains(b, a);
  if (op === "notin") return !contains(b, a);
  const sign = { lt: "<", lteq: "<=", gt: ">", gteq: ">=" } as const;
  return ordered(sign[op], a, b);
}
