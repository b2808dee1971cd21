// Numbers with a width and a number of places, as `%` and `str.format` print them.
import { LIMITS, spendText } from "../budget.ts";
import { pythonError } from "../errors.ts";
import { exponentSigned, floatText, scaled } from "./floats.ts";

/** The digits of a float without its sign, in the notation f, e or g (upper case: the exponent too). */
export function floatDigits(value: number, notation: string, precision: number, alternate = false): string {
  if (precision > LIMITS.bits) throw pythonError("ValueError", "precision too big");
  const size = Math.abs(value);
  const lower = notation.toLowerCase();
  if (!Number.isFinite(size)) return cased(floatText(size), notation);
  if (lower === "f") return fixed(size, precision, alternate);
  if (lower === "e") return cased(exponential(size, precision, alternate), notation);
  return cased(general(size, precision, alternate), notation);
}

const cased = (text: string, notation: string): string =>
  notation === notation.toUpperCase() ? text.toUpperCase() : text;

function fixed(size: number, precision: number, alternate: boolean): string {
  spendText(precision);
  const digits = String(scaled(size, precision)).padStart(precision + 1, "0");
  const whole = digits.slice(0, digits.length - precision);
  const places = digits.slice(digits.length - precision);
  return places === "" && !alternate ? whole : `${whole}.${places}`;
}

/** Digits d.ddd and the exponent of the value rounded to them. */
function significant(size: number, precision: number): { digits: string; exponent: number } {
  if (size === 0) return { digits: "0".repeat(precision + 1), exponent: 0 };
  let exponent = Number(size.toExponential().split("e")[1]);
  let digits = String(scaled(size, precision - exponent));
  if (digits.length > precision + 1) {
    exponent++;
    digits = String(scaled(size, precision - exponent));
  }
  return { digits, exponent };
}

function exponential(size: number, precision: number, alternate: boolean): string {
  const { digits, exponent } = significant(size, precision);
  const point = precision > 0 || alternate ? "." : "";
  return `${digits[0]}${point}${digits.slice(1)}e${exponentSigned(exponent)}`;
}

function general(size: number, wanted: number, alternate: boolean): string {
  const precision = wanted === 0 ? 1 : wanted;
  const { exponent } = significant(size, precision - 1);
  const text =
    exponent < -4 || exponent >= precision
      ? exponential(size, precision - 1, alternate)
      : fixed(size, precision - 1 - exponent, alternate);
  if (alternate || !text.includes(".")) return text;
  return text.replace(/\.?0+(?=e|$)/, "");
}

/** Sign, zeros and width around digits. */
export function padNumber(
  sign: string,
  digits: string,
  width: number,
  zeros: boolean,
  left: boolean,
): string {
  spendText(width);
  if (left) return (sign + digits).padEnd(width);
  return zeros ? sign + digits.padStart(width - sign.length, "0") : (sign + digits).padStart(width);
}
