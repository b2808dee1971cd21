// Kinds of values in a spec. Each has one phrase for the accepted values, so that every refusal reads
// "<path> is <value>, but must be <phrase>".
import { z } from "zod";

const phrase = (text: string) => ({ error: text });

export function whole(min: number, max: number) {
  const text = phrase(`a whole number from ${min} to ${max}`);
  return z.int(text).min(min, text).max(max, text);
}

export function real(min: number, max: number) {
  const text = phrase(`a number from ${min} to ${max}`);
  return z.number(text).min(min, text).max(max, text);
}

/** Greater than `min`. */
export function above(min: number, max: number) {
  const text = phrase(`a number above ${min}, at most ${max}`);
  return z.number(text).gt(min, text).max(max, text);
}

/** At least `min`, below `max`. */
export function below(min: number, max: number) {
  const text = phrase(`a number from ${min} to below ${max}`);
  return z.number(text).min(min, text).lt(max, text);
}

export const flag = () => z.boolean(phrase("true or false"));
export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, phrase(`one of ${values.join(", ")}`));
export const text = (pattern: RegExp, what: string) => z.string(phrase(what)).regex(pattern, phrase(what));
export const path = (what: string) => text(/\S/, `the path of ${what}`);

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const duration = () => text(DURATION, "a time with its unit, such as 500ms, 30s, 5m, 1h or 3d");

/** Milliseconds of a duration that the schema has accepted. */
export function durationMs(duration: string): number {
  const [, amount, unit] = DURATION.exec(duration) ?? [];
  return Math.max(1, Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]));
}
