// Text of others on a terminal: prompts, answers, reasons, messages of servers and modules. A terminal
// obeys control characters. ESC ] 52 writes the clipboard, ESC [ 2 J clears the screen, a carriage return
// overwrites the line, and a bidirectional override shows another order than the bytes have. So every such
// character is printed as its escape, `\u001b`, in all text output. In JSON, the same escape keeps the
// value.

/**
 * Cc: C0, DEL and C1. Bidi_Control: U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. Zl and Zp:
 * U+2028 and U+2029. Cs: halves of a surrogate pair without the other half.
 */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** For text that may have several lines: line feeds and tabs stay. */
export const visibleText = (text: string): string =>
  text.replace(UNSAFE, (found) => (found === "\n" || found === "\t" ? found : escaped(found)));

/**
 * For text that is a part of one line: line feeds and tabs are escaped too, so it cannot fake another
 * line.
 */
export const visibleLine = (text: string): string => text.replace(UNSAFE, escaped);

/** A text of several lines whose lines after the first are indented, so that they cannot pass for output. */
export const visibleBlock = (text: string): string => visibleText(text).replaceAll("\n", "\n  ");
