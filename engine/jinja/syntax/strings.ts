// The escapes of Python's string literals, as Jinja2 reads them: first every character beyond ASCII is
// written as an escape itself, then all escapes are decoded. A backslash before such a character therefore
// stays, and the character becomes its own escape.
import { pythonError, unsupported } from "../errors.ts";

const SIMPLE: Record<string, string> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const DIGITS: Record<string, number> = { x: 2, u: 4, U: 8 };

export function decodeEscapes(literal: string, line: number): string {
  if (!literal.includes("\\")) return literal;
  return literal.replace(
    /\\(?:([0-7]{1,3})|([xuU])([0-9a-fA-F]*)|([^]))/gu,
    (whole, octal: string | undefined, kind: string | undefined, hex: string, one: string | undefined) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      if (kind !== undefined) return decodeHex(kind, hex, line);
      if (one === "N") throw unsupported("the escape \\N{…}");
      if (one !== undefined && SIMPLE[one] !== undefined) return SIMPLE[one];
      return one !== undefined && one > "\x7f" ? `\\${escapeOf(one)}` : whole;
    },
  );
}

function decodeHex(kind: string, hex: string, line: number): string {
  const digits = DIGITS[kind]!;
  const point = Number.parseInt(hex.slice(0, digits), 16);
  if (hex.length < digits || point > 0x10ffff)
    throw pythonError("TemplateSyntaxError", `truncated \\${kind} escape (line ${line})`);
  return String.fromCodePoint(point) + hex.slice(digits);
}

function escapeOf(character: string): string {
  const point = character.codePointAt(0)!;
  const [kind, digits] = point < 0x100 ? ["x", 2] : point < 0x10000 ? ["u", 4] : ["U", 8];
  return `${kind}${point.toString(16).padStart(Number(digits), "0")}`;
}
