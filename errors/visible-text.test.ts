import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { visibleBlock, visibleLine, visibleText } from "./index.ts";
import { anyText } from "../test/support/any-text.ts";

/**
 * C0 but line feed and tab, DEL, C1, the bidirectional controls, line and paragraph separators, half
 * pairs.
 */
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);
const UNSAFE = [
  ...range(0, 0x1f).filter((code) => code !== 0x0a && code !== 0x09),
  ...range(0x7f, 0x9f),
  0x061c,
  0x200e,
  0x200f,
  ...range(0x2028, 0x202e),
  ...range(0x2066, 0x2069),
];
/** Text of every kind, with many unsafe characters and halves of surrogate pairs. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...UNSAFE.map((code) => String.fromCharCode(code))),
      fc.constantFrom("\n", "\t", "\ud800", "\udfff", "\u001b[2J", "\u001b]52;c;aGk=\u0007", "\u001b[31m"),
      anyText,
    ),
  )
  .map((parts) => parts.join(""));
const HALF = /\p{Cs}/u;
const unsafeIn = (text: string): boolean =>
  UNSAFE.some((code) => text.includes(String.fromCharCode(code))) || HALF.test(text);

it("no text keeps a control character, a bidirectional control or half a surrogate pair", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      assert.ok(!unsafeIn(visibleText(text)));
      assert.ok(!unsafeIn(visibleLine(text)) && !/[\n\t]/.test(visibleLine(text)));
      assert.ok(
        visibleBlock(text)
          .split("\n")
          .slice(1)
          .every((line) => line.startsWith("  ")),
      );
    }),
    { numRuns: 2_000 },
  );
});

it("each of them is shown as its escape, and all other text as it is", () => {
  for (const code of UNSAFE)
    assert.equal(visibleText(`a${String.fromCharCode(code)}b`), `a\\u${code.toString(16).padStart(4, "0")}b`);
  const plain = "größer – 中文, עברית, العربية, 👨‍👩‍👧, e\u0301\n\tend";
  assert.equal(visibleText(plain), plain);
});

it("JSON of it is the same value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), hostile, (value, text) => {
      for (const space of [undefined, 2]) {
        const json = JSON.stringify({ value, text, [text]: 1 }, null, space);
        assert.ok(!unsafeIn(visibleText(json)));
        assert.deepEqual(JSON.parse(visibleText(json)), JSON.parse(json));
      }
    }),
  );
});
