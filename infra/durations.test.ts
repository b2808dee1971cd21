import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { longestFirst, recordDurations } from "./durations.mjs";

it("starts the longest files first, by the last run, the committed table or their folder", () => {
  const root = mkdtempSync(join(tmpdir(), "ratchet-durations-"));
  try {
    mkdirSync(join(root, "infra"));
    writeFileSync(
      join(root, "infra/test-durations.json"),
      JSON.stringify({ "test/integration/known.test.ts": 300, "engine/slow.test.ts": 20 }),
    );
    const paths = [
      "engine/new.test.ts",
      "engine/slow.test.ts",
      "test/contract/new.test.ts",
      "test/integration/known.test.ts",
      "test/integration/new.test.ts",
    ];
    const places = [4, 5, 2, 3, 1];
    const sorted = (order: number[]): string[] => order.map((place) => paths[place - 1] as string);
    assert.deepEqual(longestFirst(root, paths), sorted(places));
    recordDurations(root, { "test/integration/known.test.ts": 2 });
    recordDurations(root, { "engine/new.test.ts": 100 });
    assert.deepEqual(longestFirst(root, paths), sorted([1, 5, 2, 3, 4]));
  } finally {
    rmSync(root, { recursive: true });
  }
});
