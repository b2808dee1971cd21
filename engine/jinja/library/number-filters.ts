// Jinja2's filters on numbers (jinja2/filters.py).
import { pythonError } from "../errors.ts";
import { binary, unary } from "../values/operators.ts";
import { floatDigits } from "../values/number-format.ts";
import { compareNumbers, integer, intOf, numeric, round, toFloat } from "../values/numbers.ts";
import { trimEnd, trimStart } from "../values/text.ts";
import { Float, orElse, textOf, typeName, Undefined } from "../values/types.ts";
import type { Given, Int, Value } from "../values/types.ts";
import { truth } from "../values/collections.ts";
import { bind, wantInt, wantText } from "./arguments.ts";

type Filter = (given: Given) => Value;

const DIGITS: Record<number, string> = { 2: "[01]", 8: "[0-7]", 10: "[0-9]", 16: "[0-9a-fA-F]" };
const PREFIX: Record<number, string> = { 2: "0[bB]", 8: "0[oO]", 16: "0[xX]" };

/** `int(text, base)`; undefined where Python raises ValueError. */
function parseInteger(text: string, base: number): Int | undefined {
  const digit = DIGITS[base];
  if (digit === undefined)
    throw pythonError("ValueError", `int() base ${base} is not built: use 2, 8, 10 or 16`);
  const prefix = PREFIX[base];
  const pattern = new RegExp(`^([+-]?)${prefix ? `(?:${prefix}_?)?` : ""}(${digit}+(?:_${digit}+)*)$`);
  const found = pattern.exec(trimEnd(trimStart(text)));
  if (!found) return undefined;
  // Python reads no more digits.
  if (found[2]!.length > 4300) return undefined;
  const name = { 2: "0b", 8: "0o", 10: "", 16: "0x" }[base];
  const size = BigInt(`${name}${found[2]!.replaceAll("_", "")}`);
  return intOf(found[1] === "-" ? -size : size);
}

/** `float(text)`; undefined where Python raises ValueError. */
function parseFloat(text: string): number | undefined {
  const bare = trimEnd(trimStart(text)).toLowerCase();
  const special = /^([+-]?)(inf|infinity|nan)$/.exec(bare);
  if (special) return special[2] === "nan" ? NaN : special[1] === "-" ? -Infinity : Infinity;
  const digits = "\\d+(?:_\\d+)*";
  const pattern = new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`);
  return pattern.test(bare) ? Number(bare.replaceAll("_", "")) : undefined;
}

/** `float(value)`; undefined where Python raises TypeError or ValueError. */
function floatOf(value: Value): number | undefined {
  if (value instanceof Undefined) throw value.fail();
  const text = textOf(value);
  if (text !== undefined) return parseFloat(text);
  const number = numeric(value);
  return number === undefined ? undefined : toFloat(number);
}

const toInt: Filter = (given) => {
  const [value, otherwise, base] = bind("do_int", "value default? base?", given);
  const text = textOf(value!);
  const whole =
    text === undefined ? integer(value!) : parseInteger(text, base === undefined ? 10 : wantInt(base));
  if (whole !== undefined) return whole;
  const float = floatOf(value!);
  if (float !== undefined && Number.isFinite(float)) return intOf(BigInt(Math.trunc(float)));
  if (value instanceof Float && Math.abs(value.value) === Infinity)
    throw pythonError("OverflowError", "cannot convert float infinity to integer");
  return orElse(otherwise, 0);
};

const toFloatFilter: Filter = (given) => {
  const [value, otherwise] = bind("do_float", "value default?", given);
  const float = floatOf(value!);
  return float === undefined ? orElse(otherwise, new Float(0)) : new Float(float);
};

const roundFilter: Filter = (given) => {
  const [value, precision, method] = bind("do_round", "value precision? method?", given);
  const places = precision === undefined ? 0 : wantInt(precision);
  const how = method === undefined ? "common" : wantText("method", method);
  if (!["common", "ceil", "floor"].includes(how))
    throw pythonError("FilterArgumentError", "method must be common, ceil or floor");
  if (value instanceof Undefined && how !== "common") throw value.fail();
  const number = numeric(value!);
  if (number === undefined)
    throw pythonError("TypeError", `type ${typeName(value!)} doesn't define __round__`);
  if (how === "common") return round(number, places);
  const ten = binary("**", 10, places);
  const product = numeric(binary("*", number, ten))!;
  const cut = product instanceof Float ? wholeOf(product.value, how) : product;
  return binary("/", cut, ten);
};

function wholeOf(value: number, how: string): Int {
  if (!Number.isFinite(value)) throw pythonError("OverflowError", "cannot convert float infinity to integer");
  return intOf(BigInt(how === "ceil" ? Math.ceil(value) : Math.floor(value)));
}

const abs: Filter = (given) => {
  const [value] = bind("abs", "x /", given);
  if (value instanceof Undefined) throw pythonError("TypeError", "bad operand type for abs(): 'Undefined'");
  const number = numeric(value!);
  if (number === undefined)
    throw pythonError("TypeError", `bad operand type for abs(): '${typeName(value!)}'`);
  if (number instanceof Float) return new Float(Math.abs(number.value));
  return compareNumbers(number, 0)! < 0 ? unary("-", number) : number;
};

const fileSize: Filter = (given) => {
  const [value, binaryUnits] = bind("do_filesizeformat", "value binary?", given);
  const two = binaryUnits !== undefined && truth(binaryUnits);
  const base = two ? 1024 : 1000;
  const bytes = floatOf(value!);
  if (bytes === undefined)
    throw pythonError(
      textOf(value!) === undefined ? "TypeError" : "ValueError",
      "could not convert to float",
    );
  if (bytes === 1) return "1 Byte";
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  const units = [...(two ? "KMGTPEZY" : "kMGTPEZY")].map((letter) => `${letter}${two ? "iB" : "B"}`);
  const found = units.findIndex((_, i) => bytes < base ** (i + 2));
  const at = found < 0 ? units.length - 1 : found;
  return `${floatDigits((base * bytes) / base ** (at + 2), "f", 1)} ${units[at]}`;
};

export const NUMBER_FILTERS: Record<string, Filter> = {
  int: toInt,
  float: toFloatFilter,
  round: roundFilter,
  abs,
  filesizeformat: fileSize,
};
