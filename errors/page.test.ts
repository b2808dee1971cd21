// The page of codes says what the table says, and every code of the table is thrown somewhere.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { it } from "node:test";
import { CODES, RatchetError } from "./index.ts";
import { PAGE, withCodes } from "./page.ts";

const ROOT = join(dirname(PAGE), "..");
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter(
    (entry) =>
      entry.isDirectory() && !["dist", "docs", "node_modules", "errors", "test"].includes(entry.name),
  )
  .map(({ name }) => name);

function sources(): string {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(ROOT, folder, name),
    ),
  );
  return files
    .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith(".test.ts"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

it("docs/errors.md is the table of codes", () => {
  const page = readFileSync(PAGE, "utf8");
  assert.equal(page, withCodes(page), "node dist/errors/page.js writes it");
});

it("every code of the table is used by the product", () => {
  const text = sources();
  // host/tool.mjs makes the code of a missing tool from its name.
  const made = new Set(["temporal_missing", "versitygw_missing"]);
  for (const code of Object.keys(CODES)) assert.ok(made.has(code) || text.includes(`"${code}"`), code);
});

it("a refusal, an update or a failure carries only codes of the table", () => {
  const carried = [...sources().matchAll(/(?:\bcode: |nonRetryable\([^;]*?, )"([a-z]+(?:_[a-z]+)+)"/g)];
  assert.ok(carried.length > 10, "the pattern still finds them");
  for (const [, code = ""] of carried) assert.ok(Object.hasOwn(CODES, code), code);
});

it("an error's kind follows from its code, and absent details are absent", () => {
  const error = new RatchetError("stuck", "no progress", { hint: undefined, cause: new Error("inner") });
  assert.deepEqual([error.kind, error.code, error.hint], ["resource", "stuck", undefined]);
  assert.equal((error.cause as Error).message, "inner");
  assert.equal("retryable" in new RatchetError("stuck", "no progress"), false);
});
