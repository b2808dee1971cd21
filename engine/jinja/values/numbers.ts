// Python's numbers: exact integers, floats that print with their point, and rounding to even of the exact value.
import { pythonError, unsupported } from "../errors.ts";
import { spendBits } from "../budget.ts";
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

/** JavaScript's own power is off in the last digit for some numbers; Python's is the float next to the exact value. */
function exactPower(a: number, b: number): number {
  if (a === 0 || a === 1 || b === 0 || !Number.isFinite(a) || !Number.isFinite(b))
    return a === 1 ? 1 : a ** b;
  if (b === 0.5) return Math.sqrt(a);
  if (!Number.isInteger(b) || Math.abs(b) > 300) throw unsupported("this power of a float");
  const [mantissa, exponent] = exactParts(a);
  const times = BigInt(Math.abs(b));
  const shift = 1n << (BigInt(Math.abs(exponent)) * times);
  const over = mantissa ** times * (exponent > 0 ? shift : 1n);
  const under = exponent < 0 ? shift : 1n;
  const value = b < 0 ? nearest(under, over) : nearest(over, under);
  if (!Number.isFinite(value)) throw pythonError("OverflowError", "(34, 'Numerical result out of range')");
  return value;
}

/** The float next to over / under. */
function nearest(over: bigint, under: bigint): number {
  const negative = over < 0n !== under < 0n;
  const [a, b] = [over < 0n ? -over : over, under < 0n ? -under : under];
  if (a === 0n) return 0;
  // 66 bits or more of the quotient, the last of which tells whether there is a rest.
  const shift = b.toString(2).length - a.toString(2).length + 66;
  const scaledOver = shift > 0 ? a << BigInt(shift) : a;
  const scaledUnder = shift < 0 ? b << BigInt(-shift) : b;
  const quotient = (scaledOver / scaledUnder) | (scaledOver % scaledUnder === 0n ? 0n : 1n);
  const size = Number(quotient);
  // In two steps, because 2 ** -shift alone may be below the smallest float.
  const half = Math.trunc(-shift / 2);
  const value = size * 2 ** half * 2 ** (-shift - half);
  return negative ? -value : value;
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

/** As `repr` writes it: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const [mantissa, exponentText] = value.toExponential().split("e") as [string, string];
  const exponent = Number(exponentText);
  const sign = Object.is(value, -0) ? "-" : "";
  if (exponent < -4 || exponent >= 16) return `${sign}${mantissa}e${exponentSigned(exponent)}`;
  const digits = mantissa.replace(/[-.]/g, "");
  const negative = mantissa.startsWith("-") ? "-" : sign;
  if (exponent < 0) return `${negative}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${negative}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

export const exponentSigned = (exponent: number): string =>
  `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

/** round(value · 10^places) of the exact value, halves to even. */
export function scaled(value: number, places: number): bigint {
  const [mantissa, exponent] = exactParts(value);
  const ten = 10n ** BigInt(Math.abs(places));
  const two = 1n << BigInt(Math.abs(exponent));
  const over = mantissa * (places > 0 ? ten : 1n) * (exponent > 0 ? two : 1n);
  return divideToEven(over, (places < 0 ? ten : 1n) * (exponent < 0 ? two : 1n));
}

/** value = mantissa · 2^exponent. */
function exactParts(value: number): [bigint, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const word = view.getBigUint64(0);
  const biased = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xfffffffffffffn;
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  return [value < 0 ? -mantissa : mantissa, Math.max(biased, 1) - 1075];
}

function divideToEven(over: bigint, under: bigint): bigint {
  const quotient = over / under;
  const rest = over % under;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  const away = twice > under || (twice === under && quotient % 2n !== 0n);
  return away ? quotient + (over < 0n ? -1n : 1n) : quotient;
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
