// Each mutation still fits the product: its line occurs exactly once in the compiled code. `npm run
// mutations` checks that chaos finds them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { MUTATIONS } from "./mutations.ts";

it("each mutation changes one line of the product", () => {
  for (const { name, file, line, instead } of MUTATIONS) {
    const code = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const times = code.split(line).length - 1;
    assert.equal(times, 1, `${name}: the line occurs ${times} times in ${file}: ${line}`);
    assert.notEqual(line, instead);
  }
});
