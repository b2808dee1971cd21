// `text % values`, Python's printf.
import { spendText } from "../budget.ts";
import { pythonError } from "../errors.ts";
import { floatDigits, padNumber } from "./number-format.ts";
import { integer, numeric, toFloat } from "./numbers.ts";
import { ascii, quoted, repr, str } from "./repr.ts";
import { escapeHtml } from "./html.ts";
import { slicePoints, textLength } from "./text.ts";
import { Dict, Float, isInt, Markup, textOf, Tuple, typeName, Undefined } from "./types.ts";
import type { Value } from "./types.ts";

const FIELD = /%(?:\(((?:[^()]|\([^()]*\))*)\))?([-#0 +]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]?([^])?/gu;

interface Spec {
  flags: string;
  width: number;
  precision: number | undefined;
  kind: string;
}

export function percentFormat(template: Value, values: Value): Value {
  const text = textOf(template)!;
  const safe = template instanceof Markup;
  const source = new Values(values);
  const made = text.replace(FIELD, (whole, key, flags, width, precision, kind) => {
    if (kind === undefined) throw pythonError("ValueError", "incomplete format");
    if (kind === "%" && whole === "%%") return "%";
    if (key !== undefined) source.choose(String(key));
    const spec: Spec = {
      flags: String(flags),
      width: sizeOf(width, source) ?? 0,
      precision: whole.includes(".") ? (sizeOf(precision, source) ?? 0) : undefined,
      kind: String(kind),
    };
    if (spec.width < 0) spec.flags += "-";
    return kind === "%" ? "%" : field({ ...spec, width: Math.abs(spec.width) }, source.next(), safe);
  });
  source.finish();
  spendText(made.length);
  return safe ? new Markup(made) : made;
}

/** The values behind `%`: a tuple in order, a dict by name, or one value. */
class Values {
  private readonly values: Value;
  private readonly items: readonly Value[];
  private chosen: Value | undefined;
  private at = 0;
  private named = false;

  constructor(values: Value) {
    this.values = values;
    this.items = values instanceof Tuple ? values.items : [values];
  }

  choose(key: string): void {
    if (!(this.values instanceof Dict)) throw pythonError("TypeError", "format requires a mapping");
    this.named = true;
    this.chosen = this.values.get(key);
    if (this.chosen === undefined) throw pythonError("KeyError", quoted(key));
  }

  next(): Value {
    if (this.chosen !== undefined) {
      const value = this.chosen;
      this.chosen = undefined;
      return value;
    }
    if (this.at >= this.items.length || this.named)
      throw pythonError("TypeError", "not enough arguments for format string");
    return this.items[this.at++]!;
  }

  finish(): void {
    const { values } = this;
    const mapping = values instanceof Dict || values instanceof Undefined || Array.isArray(values);
    if (!this.named && !mapping && this.at < this.items.length)
      throw pythonError("TypeError", "not all arguments converted during string formatting");
  }
}

function sizeOf(written: unknown, source: Values): number | undefined {
  if (written === undefined) return undefined;
  if (written !== "*") return Number(written);
  const value = source.next();
  if (!isInt(value)) throw pythonError("TypeError", "* wants int");
  return Number(value);
}

function field(spec: Spec, value: Value, safe: boolean): string {
  const { kind, width, precision } = spec;
  if (kind === "s" || kind === "r" || kind === "a") {
    const text = kind === "s" ? str(value) : kind === "r" ? repr(value) : ascii(value);
    const shown = safe ? escapeHtml(kind === "s" ? value : text) : text;
    return padText(precision === undefined ? shown : slicePoints(shown, 0, precision), width, spec);
  }
  if (kind === "c") return padText(character(value), width, spec);
  if ("diuoxX".includes(kind)) return integerField(spec, value);
  if ("eEfFgG".includes(kind)) return floatField(spec, value);
  throw pythonError("ValueError", `unsupported format character '${kind}'`);
}

function padText(text: string, width: number, { flags }: Spec): string {
  spendText(width);
  const blanks = " ".repeat(Math.max(0, width - textLength(text)));
  return flags.includes("-") ? text + blanks : blanks + text;
}

function character(value: Value): string {
  const number = integer(value);
  if (number !== undefined) return String.fromCodePoint(Number(number));
  const text = textOf(value);
  if (text === undefined || textLength(text) !== 1) throw pythonError("TypeError", "%c requires int or char");
  return text;
}

const signOf = (negative: boolean, flags: string): string =>
  negative ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";

function integerField({ kind, flags, width, precision }: Spec, value: Value): string {
  if (value instanceof Undefined) throw value.fail();
  const decimal = "diu".includes(kind);
  const number = numeric(value);
  if (number === undefined || (number instanceof Float && !decimal))
    throw pythonError(
      "TypeError",
      `%${kind} format: ${decimal ? "a real number" : "an integer"} is required, not ${typeName(value)}`,
    );
  const whole = number instanceof Float ? BigInt(Math.trunc(number.value)) : BigInt(number);
  const size = whole < 0n ? -whole : whole;
  const base = kind === "o" ? 8 : kind.toLowerCase() === "x" ? 16 : 10;
  const digits = size.toString(base).padStart(precision ?? 1, "0");
  const prefix = flags.includes("#") && base !== 10 ? `0${kind.toLowerCase()}` : "";
  const sign = signOf(whole < 0n, flags) + prefix;
  const text = padNumber(sign, digits, width, flags.includes("0"), flags.includes("-"));
  return kind === "X" ? text.toUpperCase() : text;
}

function floatField({ kind, flags, width, precision }: Spec, value: Value): string {
  if (value instanceof Undefined) throw value.fail();
  const number = numeric(value);
  if (number === undefined) throw pythonError("TypeError", `must be real number, not ${typeName(value)}`);
  const float = toFloat(number);
  const digits = floatDigits(float, kind, precision ?? 6, flags.includes("#"));
  const negative = float < 0 || Object.is(float, -0);
  const zeros = flags.includes("0") && Number.isFinite(float);
  return padNumber(signOf(negative, flags), digits, width, zeros, flags.includes("-"));
}
