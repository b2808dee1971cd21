// The defects still fit the product: each names a line that the compiled code has once. That chaos finds them is `npm run mutations`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { DEFECTS } from "./defects.ts";

it("each defect changes one line of the product", () => {
  for (const { name, file, line, instead } of DEFECTS) {
    const code = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    assert.equal(code.split(line).length - 1, 1, `${name}: ${file} has not one line ${line}`);
    assert.notEqual(line, instead);
  }
});
