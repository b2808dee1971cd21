// Floats by their exact values: how Python prints, rounds, divides and raises them to a power.
import { pythonError, unsupported } from "../errors.ts";

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

export function divideToEven(over: bigint, under: bigint): bigint {
  const quotient = over / under;
  const rest = over % under;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  const away = twice > under || (twice === under && quotient % 2n !== 0n);
  return away ? quotient + (over < 0n ? -1n : 1n) : quotient;
}

/**
 * JavaScript's own power is off in the last digit for some numbers; Python's is the float next to the exact
 * value.
 */
export function exactPower(a: number, b: number): number {
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
export function nearest(over: bigint, under: bigint): number {
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
