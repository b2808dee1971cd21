import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { krippendorffAlpha } from "../../campaign/labeling/alpha.ts";

it("Krippendorff's alpha is that of the Python package krippendorff", async () => {
  const file = join(import.meta.dirname, "../../../test/golden/alpha/alpha.json");
  const cases = JSON.parse(await readFile(file, "utf8")) as { units: string[]; alpha: number }[];
  assert.equal(cases.length, 6);
  for (const { units, alpha } of cases) {
    const found = krippendorffAlpha(units.map((unit) => [...unit])) ?? NaN;
    assert.ok(Math.abs(found - alpha) < 1e-12, `${found} is not ${alpha}`);
  }
});
