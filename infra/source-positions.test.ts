import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { withSourcePositions } from "./source-positions.mjs";

const compiled = fileURLToPath(import.meta.url);
const root = dirname(dirname(dirname(compiled)));
const source = join("infra", "source-positions.test.ts");

it("a stack names the line of the source", () => {
  const stack = new Error("here").stack!;
  const [, line] = /source-positions\.test\.ts:(\d+):\d+/.exec(withSourcePositions(stack, root))!;
  const text = readFileSync(join(root, source), "utf8").split("\n")[Number(line) - 1];
  assert.match(text!, /new Error\("here"\)/);
});

it("a position in a file without a map, and all other text, stay as they are", () => {
  for (const text of ["at run (node:internal/x:1:2)", "file:///no/such.js:3:4", `${compiled} has 3:4`])
    assert.equal(withSourcePositions(text, root), text);
});
