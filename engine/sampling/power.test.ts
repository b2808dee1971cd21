import assert from "node:assert/strict";
import { it } from "node:test";
import { parts, power } from "./power.ts";

it("is 2^(y/parts) within 2e-13, at whole parts and halfway between them too, down to numbers that are hardly any", () => {
  for (let y = 0; y > -1020 * parts; y -= 0.5 + (y % 7) ** 2 / 90) {
    const expected = 2 ** (y / parts);
    assert.ok(Math.abs(power(y) / expected - 1) < 2e-13, `${y}: ${power(y)}, not ${expected}`);
  }
  assert.equal(power(0), 1);
  assert.equal(power(-3 * parts), 1 / 8);
});

it("is 0 where there is no smaller number, and NaN of NaN", () => {
  assert.equal(power(-1073 * parts), 2 ** -1073);
  assert.equal(power(-1075 * parts), 0);
  assert.equal(power(-Infinity), 0);
  assert.ok(Number.isNaN(power(NaN)));
});
