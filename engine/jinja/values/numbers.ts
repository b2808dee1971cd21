// Python's numbers: exact integers, floats that print with their point, and rounding to even of the exact
// value.
import { pythonError, unsupported } from "../errors.ts";
import { spendBits } from "../budget.ts";
import { divideToEven, exactPower, nearest, scaled } from "./floats.ts";
import { Float, isInt } from "./types.ts";
import type { Int, Value } from "./types.ts";

export function intOf(value: bigint): Int {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** An int, a float, or a bool as 0 or 1; undefined for all else. */
export function numeric(value: Value): Int | Float | undefined {
  if (typeof value === "boolean") return Number(value);
  return isInt(value) || value instanceof Float ? value : undefined;
}

/** An int or a bool. */
export function integer(value: Value): Int | undefined {
  const number = numeric(value);
  return number instanceof Float ? undefined : number;
}

export function toFloat(value: Int | Float): number {
  if (value instanceof Float) return value.value;
  const number = Number(value);
  if (!Number.isFinite(number)) throw pythonError("OverflowError", "int too large to convert to float");
  return number;
}

type Operation = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function calculate(op: Operation, a: Int | Float, b: Int | Float): Value {
  if (a instanceof Float || b instanceof Float) return floats(op, toFloat(a), toFloat(b));
  if (op === "/") return divide(a, b);
  if (op === "**") return power(a, b);
  if ((op === "//" || op === "%") && Number(b) === 0)
    throw pythonError("ZeroDivisionError", "integer division or modulo by zero");
  if (typeof a === "number" && typeof b === "number") {
    const quick = integers(op, a, b);
    if (Number.isSafeInteger(quick)) return quick === 0 ? 0 : quick;
  }
  return bigIntegers(op, BigInt(a), BigInt(b));
}

function integers(op: Operation, a: number, b: number): number {
  if (op === "+") return a + b;
  if (op === "-") return a - b;
  if (op === "*") return a * b;
  const rest = a % b;
  const mod = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  return op === "%" ? mod : (a - mod) / b;
}

function bigIntegers(op: Operation, a: bigint, b: bigint): Int {
  spendBits(bits(a) + bits(b));
  if (op === "+") return intOf(a + b);
  if (op === "-") return intOf(a - b);
  if (op === "*") return intOf(a * b);
  const rest = a % b;
  const mod = rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
  return intOf(op === "%" ? mod : (a - mod) / b);
}

export const bits = (value: Int): number => (typeof value === "number" ? 53 : value.toString(16).length * 4);

function divide(a: Int, b: Int): Float {
  if (Number(b) === 0) throw pythonError("ZeroDivisionError", "division by zero");
  if (typeof a === "number" && typeof b === "number") return new Float(a / b);
  const ratio = nearest(BigInt(a), BigInt(b));
  if (!Number.isFinite(ratio))
    throw pythonError("OverflowError", "integer division result too large for a float");
  return new Float(ratio);
}

function power(base: Int, exponent: Int): Value {
  if (exponent < 0) {
    if (Number(base) === 0)
      throw pythonError("ZeroDivisionError", "0.0 cannot be raised to a negative power");
    return floatPower(toFloat(base), toFloat(exponent));
  }
  const size = typeof base === "number" ? Math.log2(Math.abs(base) + 1) : bits(base);
  spendBits(size * Number(exponent));
  return intOf(BigInt(base) ** BigInt(exponent));
}

function floats(op: Operation, a: number, b: number): Value {
  if (op === "+") return new Float(a + b);
  if (op === "-") return new Float(a - b);
  if (op === "*") return new Float(a * b);
  if (op === "**") return floatPower(a, b);
  if (b === 0) throw pythonError("ZeroDivisionError", `float ${op === "/" ? "division" : "modulo"} by zero`);
  if (op === "/") return new Float(a / b);
  const rest = a % b;
  const wraps = rest !== 0 && b < 0 !== rest < 0;
  if (op === "%") return new Float(rest === 0 ? (b < 0 ? -0 : 0) : wraps ? rest + b : rest);
  const quotient = (a - rest) / b - (wraps ? 1 : 0);
  if (quotient === 0) return new Float(a / b < 0 ? -0 : 0);
  const floor = Math.floor(quotient);
  return new Float(quotient - floor > 0.5 ? floor + 1 : floor);
}

function floatPower(a: number, b: number): Float {
  if (a < 0 && !Number.isInteger(b)) throw unsupported("a complex number");
  if (a === 0 && b < 0) throw pythonError("ZeroDivisionError", "0.0 cannot be raised to a negative power");
  return new Float(exactPower(a, b));
}

export function negate(value: Int | Float): Value {
  if (value instanceof Float) return new Float(-value.value);
  return value === 0 ? 0 : intOf(-BigInt(value));
}

/** -1, 0, 1; undefined: one is NaN. Integers and floats are compared exactly. */
export function compareNumbers(a: Int | Float, b: Int | Float): number | undefined {
  const left = a instanceof Float ? a.value : a;
  const right = b instanceof Float ? b.value : b;
  if (left < right) return -1;
  if (left > right) return 1;
  // `==` compares a bigint with a number by value.
  return left == right ? 0 : undefined;
}

/** `round(value, places)`. */
export function round(value: Int | Float, places: number): Value {
  if (value instanceof Float) {
    if (!Number.isFinite(value.value) || places > 330) return value;
    if (places < -330) return new Float(value.value < 0 ? -0 : 0);
    const rounded = Number(`${scaled(value.value, places)}e${-places}`);
    return new Float(rounded === 0 && (value.value < 0 || Object.is(value.value, -0)) ? -0 : rounded);
  }
  if (places >= 0) return value;
  if (-places > bits(value)) return 0;
  const ten = 10n ** BigInt(-places);
  return intOf(divideToEven(BigInt(value), ten) * ten);
}
