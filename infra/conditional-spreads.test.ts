import assert from "node:assert/strict";
import { it } from "node:test";
import { conditionalSpreads } from "./conditional-spreads.mjs";

it("finds conditional spreads of objects, on one line and over several", () => {
  const found = [
    "{ ...(x ? { x } : {}) }",
    "{ ...(x === undefined ? {} : { x }) }",
    "{ ...(x && { x }) }",
    "{\n  ...(f(a ? b : c)?.d ?? e\n    ? { x: `)${g({})}` }\n    : {}),\n}",
    "{ ...(a // a ( in a comment\n ? {} : { x: ')' }) }",
  ];
  for (const text of found) assert.equal(conditionalSpreads(text).length, 1, text);
  assert.deepEqual(conditionalSpreads("a\nb = { ...(x\n ? { y: [1] }\n : {}) };"), [
    { line: 2, code: "...(x ? { y: [1] } : {})" },
  ]);
});

it("finds no other spreads", () => {
  for (const text of [
    "[...(x ? [x] : [])]",
    "{ ...(x ? a : b) }",
    "{ ...(x ?? {}) }",
    "{ ...(await f({})) }",
  ])
    assert.deepEqual(conditionalSpreads(text), [], text);
});

it("counts a spread inside another", () => {
  assert.equal(conditionalSpreads("{ ...(x ? { x, ...(y ? { y } : {}) } : {}) }").length, 2);
});
