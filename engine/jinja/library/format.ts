/* oxlint-disable max-lines -- one story: the format language */
// `str.format`: fields in braces, with attributes, conversions and format specifications.
import { spendEach, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { floatDigits, padNumber } from "../values/number-format.ts";
import { floatText } from "../values/floats.ts";
import { integer, numeric, toFloat } from "../values/numbers.ts";
import { ascii, quoted, repr, str } from "../values/repr.ts";
import { slicePoints, textLength } from "../values/text.ts";
import { Float, textOf, typeName, Undefined } from "../values/types.ts";
import type { Given, Int, Value } from "../values/types.ts";
import { pad } from "./text-methods.ts";

/** How fields look into a value, by the sandbox's rules. */
export interface Lookups {
  attribute: (value: Value, name: string) => Value;
  item: (value: Value, key: Value) => Value;
}

interface Fields {
  given: Given;
  lookups: Lookups;
  /** The next number of `{}`; undefined once a field has a number of its own. */
  next: number;
  manual: boolean;
}

export function formatText(text: string, given: Given, lookups: Lookups): string {
  return expand(text, { given, lookups, next: 0, manual: false }, 2);
}

function expand(text: string, fields: Fields, depth: number): string {
  if (depth < 0) throw pythonError("ValueError", "Max string recursion exceeded");
  spendEach(text.length);
  let out = "";
  for (let at = 0; at < text.length;) {
    const one = text[at]!;
    if ((one === "{" || one === "}") && text[at + 1] === one) {
      out += one;
      at += 2;
    } else if (one === "{") {
      const end = closing(text, at);
      out += field(text.slice(at + 1, end), fields, depth);
      at = end + 1;
    } else if (one === "}") throw pythonError("ValueError", "Single '}' encountered in format string");
    else {
      out += one;
      at++;
    }
  }
  spendText(out.length);
  return out;
}

function closing(text: string, from: number): number {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") open++;
    if (text[at] === "}" && --open === 0) return at;
  }
  throw pythonError("ValueError", "expected '}' before end of string");
}

function field(source: string, fields: Fields, depth: number): string {
  const parts = /^([^!:]*)(?:!([^:]?))?(?::([^]*))?$/.exec(source);
  if (!parts) throw pythonError("ValueError", "expected ':' after conversion specifier");
  const [, name, conversion, spec] = parts;
  const value = lookUp(name!, fields);
  const written = expand(spec ?? "", fields, depth - 1);
  if (conversion === undefined) return formatValue(value, written);
  if (conversion === "s") return formatValue(str(value), written);
  if (conversion === "r") return formatValue(repr(value), written);
  if (conversion === "a") return formatValue(ascii(value), written);
  throw pythonError("ValueError", `Unknown conversion specifier '${conversion}'`);
}

function lookUp(name: string, fields: Fields): Value {
  const [first] = /^[^.[]*/.exec(name)!;
  let value = argument(first, fields);
  let rest = name.slice(first.length);
  while (rest !== "") {
    const [step, attribute, index] = /^(?:\.([^.[]+)|\[([^\]]+)\])/.exec(rest) ?? [];
    if (step === undefined) throw pythonError("ValueError", "Empty attribute in format string");
    spendText(rest.length);
    rest = rest.slice(step.length);
    if (attribute !== undefined) value = fields.lookups.attribute(value, attribute);
    else value = fields.lookups.item(value, /^\d+$/.test(index!) ? Number(index) : index!);
  }
  return value;
}

function argument(name: string, fields: Fields): Value {
  if (name !== "" && !/^\d+$/.test(name)) {
    const value = fields.given.named.get(name);
    if (value === undefined) throw pythonError("KeyError", quoted(name));
    return value;
  }
  if (name === "" ? fields.manual : fields.next > 0)
    throw pythonError("ValueError", "cannot switch between manual and automatic field numbering");
  if (name !== "") fields.manual = true;
  const value = fields.given.args[name === "" ? fields.next++ : Number(name)];
  if (value === undefined)
    throw pythonError("IndexError", "Replacement index out of range for positional args tuple");
  return value;
}

const SPEC = /^(?:([^])?([<>=^]))?([-+ ])?(z)?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([^])?$/u;

interface Spec {
  fill: string;
  align: string | undefined;
  sign: string;
  alternate: boolean;
  width: number;
  group: string | undefined;
  precision: number | undefined;
  kind: string | undefined;
}

function readSpec(text: string): Spec {
  const parts = SPEC.exec(text);
  if (!parts) throw pythonError("ValueError", "Invalid format specifier");
  const [, fill, align, sign, z, alternate, zero, width, group, precision, kind] = parts;
  if (z !== undefined) throw unsupported("z in a format specification");
  return {
    fill: fill ?? (zero !== undefined ? "0" : " "),
    align: align ?? (zero !== undefined ? "=" : undefined),
    sign: sign ?? "-",
    alternate: alternate !== undefined,
    width: Number(width ?? 0),
    group,
    precision: precision === undefined ? undefined : Number(precision),
    kind,
  };
}

function formatValue(value: Value, written: string): string {
  if (written === "") return str(value);
  const text = textOf(value);
  if (text !== undefined) return formatString(text, readSpec(written));
  const number = numeric(value);
  if (number === undefined) {
    const type = value instanceof Undefined ? "Undefined" : typeName(value);
    throw pythonError("TypeError", `unsupported format string passed to ${type}.__format__`);
  }
  const spec = readSpec(written);
  const { kind } = spec;
  if (kind === "n") throw unsupported("n in a format specification");
  if (number instanceof Float || (kind !== undefined && "eEfFgG%".includes(kind)))
    return formatFloat(toFloat(number), spec);
  return formatInteger(integer(number)!, spec);
}

function formatString(text: string, { kind, align, precision, width, fill }: Spec): string {
  if ((kind !== undefined && kind !== "s") || align === "=")
    throw pythonError("ValueError", `Unknown format code '${kind ?? "="}' for object of type 'str'`);
  const cut = precision === undefined ? text : slicePoints(text, 0, precision);
  return aligned(cut, width, fill, align ?? "<");
}

function aligned(text: string, width: number, fill: string, align: string): string {
  if (align !== "^") return pad(text, width, fill, align === "<" ? "right" : "left");
  const missing = Math.max(0, width - textLength(text));
  const left = missing >> 1;
  spendText(width);
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

const BASES: Record<string, number> = { b: 2, o: 8, x: 16, X: 16, d: 10 };

function formatInteger(value: Int, spec: Spec): string {
  const kind = spec.kind ?? "d";
  if (kind === "c")
    return aligned(String.fromCodePoint(Number(value)), spec.width, spec.fill, spec.align ?? "<");
  const base = BASES[kind];
  if (base === undefined || spec.precision !== undefined)
    throw pythonError("ValueError", `Unknown format code '${kind}' for object of type 'int'`);
  const digits = String(value < 0 ? -BigInt(value) : value);
  const text = base === 10 ? digits : BigInt(digits).toString(base);
  const prefix = spec.alternate && base !== 10 ? `0${kind}` : "";
  return signed(value < 0, prefix, kind === "X" ? text.toUpperCase() : text, spec);
}

function formatFloat(value: number, spec: Spec): string {
  const kind = spec.kind ?? "";
  const negative = value < 0 || Object.is(value, -0);
  const size = Math.abs(value);
  let digits: string;
  if (kind === "%") digits = `${floatDigits(size * 100, "f", spec.precision ?? 6)}%`;
  else if (kind === "" && spec.precision === undefined) digits = floatText(size);
  else if (kind === "") throw unsupported("a precision without a type in a format specification");
  else if ("eEfFgG".includes(kind)) digits = floatDigits(size, kind, spec.precision ?? 6, spec.alternate);
  else throw pythonError("ValueError", `Unknown format code '${kind}' for object of type 'float'`);
  return signed(negative, "", digits, spec);
}

function signed(negative: boolean, prefix: string, digits: string, spec: Spec): string {
  const sign = (negative ? "-" : spec.sign === "-" ? "" : spec.sign) + prefix;
  const [whole] = /^[0-9a-fA-F]*/.exec(digits)!;
  const every = spec.group === "_" && prefix !== "" ? 4 : 3;
  const spaced =
    spec.group === undefined
      ? whole
      : whole.replace(new RegExp(`(?!^)(?=(?:.{${every}})+$)`, "g"), spec.group);
  const text = spaced + digits.slice(whole.length);
  if (spec.align === "=") {
    if (spec.fill !== "0") return sign + pad(text, spec.width - sign.length, spec.fill, "left");
    if (spec.group !== undefined) throw unsupported("zeros and a separator in a format specification");
    return padNumber(sign, text, spec.width, true, false);
  }
  return aligned(sign + text, spec.width, spec.fill, spec.align ?? ">");
}
