// Arguments of built-in functions, bound to names as Python binds them.
import { pythonError } from "../errors.ts";
import { integer } from "../values/numbers.ts";
import { textOf, typeName, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";

/**
 * `signature` names the arguments, optional ones with a `?`. A `/` at its end: by position only.
 * Example: `sep? maxsplit?`, `old new count? /`.
 */
export function bind(name: string, signature: string, { args, named }: Given): (Value | undefined)[] {
  const words = signature.split(" ").filter((word) => word !== "");
  const positional = words.at(-1) === "/";
  const names = positional ? words.slice(0, -1) : words;
  if (args.length > names.length)
    throw pythonError(
      "TypeError",
      `${name}() takes at most ${names.length} arguments (${args.length} given)`,
    );
  const bound: (Value | undefined)[] = names.map((_, i) => args[i]);
  for (const [key, value] of named) {
    const at = positional ? -1 : names.findIndex((word) => word.replace("?", "") === key);
    if (at < 0) throw pythonError("TypeError", `${name}() got an unexpected keyword argument '${key}'`);
    if (at < args.length)
      throw pythonError("TypeError", `${name}() got multiple values for argument '${key}'`);
    bound[at] = value;
  }
  const missing = names.findIndex((word, i) => !word.endsWith("?") && bound[i] === undefined);
  if (missing >= 0)
    throw pythonError("TypeError", `${name}() missing required argument: '${names[missing]}'`);
  return bound;
}

export function wantText(name: string, value: Value | undefined): string {
  const text = value === undefined ? undefined : textOf(value);
  if (text === undefined)
    throw pythonError("TypeError", `${name} must be str, not ${typeName(value ?? null)}`);
  return text;
}

export function wantInt(value: Value): number {
  const number = integer(value);
  if (number === undefined) {
    if (value instanceof Undefined) throw value.fail();
    throw pythonError("TypeError", `'${typeName(value)}' object cannot be interpreted as an integer`);
  }
  return Number(number);
}

/** A start or end, as Python's slices and `find` read it: negative from the end, cut to the length. */
export function position(value: Value | undefined, otherwise: number, length: number): number {
  if (value === undefined || value === null) return otherwise;
  const at = wantInt(value);
  return at < 0 ? Math.max(0, at + length) : at;
}
