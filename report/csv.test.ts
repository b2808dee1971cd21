import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { visibleText } from "../errors/index.ts";
import { anyText } from "../test/support/any-text.ts";
import { csvText } from "./csv.ts";

/** A strict reader by the grammar of RFC 4180: `field` matches one field with what ends it. */
function parse(text: string): string[][] {
  const rows: string[][] = [[]];
  const field = /(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",\r\n]*))(?<end>,|\r\n)/suy;
  while (field.lastIndex < text.length) {
    const { quoted, plain, end } = field.exec(text)!.groups!;
    rows.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain!);
    if (end === "\r\n") rows.push([]);
  }
  assert.deepEqual(rows.pop(), [], "the last line has an end");
  return rows;
}

it("quotes commas, quotes and line feeds, and ends each line with CR LF", () => {
  const rows = [
    ["it-0001.1", 'he said "no", then\nleft'],
    [undefined, true],
    [0.1, "=1+1"],
  ];
  assert.equal(
    csvText(["place", "reason"], rows),
    'place,reason\r\nit-0001.1,"he said ""no"", then\nleft"\r\n,true\r\n0.1,=1+1\r\n',
  );
});

it("escapes what a terminal would obey, also a carriage return", () => {
  assert.equal(csvText(["a"], [["x\r\n\u001b[2J"]]), 'a\r\n"x\\u000d\n\\u001b[2J"\r\n');
});

it("a reader by RFC 4180 gets the cells back, whatever they hold", () => {
  const cell = fc.oneof(anyText, fc.stringMatching(/^[",\r\n=+@ -]{0,6}$/));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const expected = [["a", "b"], ...rows].map((row) => row.map(visibleText));
      assert.deepEqual(parse(csvText(["a", "b"], rows)), expected);
    }),
  );
});
