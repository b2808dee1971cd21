import assert from "node:assert/strict";
import { it } from "node:test";
import { PARTS, power } from "./power.ts";

it("is 2^(y/PARTS) within 2e-13, down to the smallest numbers", () => {
  for (let y = 0; y > -1020 * PARTS; y -= 0.5 + (y % 7) ** 2 / 90) {
    const expected = 2 ** (y / PARTS);
    assert.ok(Math.abs(power(y) / expected - 1) < 2e-13, `${y}: ${power(y)}, not ${expected}`);
  }
  assert.equal(power(0), 1);
  assert.equal(power(-3 * PARTS), 1 / 8);
});

it("is 0 below the smallest number, and NaN for NaN", () => {
  assert.equal(power(-1073 * PARTS), 2 ** -1073);
  assert.equal(power(-1075 * PARTS), 0);
  assert.equal(power(-Infinity), 0);
  assert.ok(Number.isNaN(power(NaN)));
});
