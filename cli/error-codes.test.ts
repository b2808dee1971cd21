// docs/errors.md against the sources, both ways: a code that is thrown is documented under its kind, and one that is documented exists.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDERS = [
  "activities",
  "campaign",
  "cli",
  "client",
  "dev",
  "engine",
  "runtimes",
  "store",
  "worker",
  "workflows",
];

const KIND_OF_CLASS: Record<string, string> = {
  SpecError: "spec",
  ArtifactError: "artifact",
  LeaseLost: "artifact",
  ResourceError: "resource",
  DevError: "resource",
  ScoringError: "scoring",
  TrainingError: "training",
  InvariantError: "invariant",
};

function sources(): string {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(ROOT, folder, name),
    ),
  );
  return files
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

/** Kind by code. */
function documented(): Map<string, string> {
  const codes = new Map<string, string>();
  let kind = "";
  for (const line of readFileSync(join(ROOT, "docs/errors.md"), "utf8").split("\n")) {
    kind = /^## (\w+)$/.exec(line)?.[1] ?? kind;
    if (!Object.values(KIND_OF_CLASS).includes(kind)) continue;
    const [, cell = ""] = /^\| (.*?[^\\]) \|/.exec(line) ?? [];
    for (const [, code = ""] of cell.matchAll(/`([a-z_]+)`/g)) codes.set(code, kind);
  }
  return codes;
}

test("every code that is thrown is documented under its kind", () => {
  const codes = documented();
  const thrown = [...sources().matchAll(/new (\w+(?:Error|Lost))\(\s*"([a-z_]+)"/g)];
  assert.ok(thrown.length > 100, "the pattern still finds them");
  for (const [, thrower = "", code = ""] of thrown) {
    const kind = KIND_OF_CLASS[thrower];
    if (kind) assert.equal(codes.get(code), kind, `${thrower} ${code}`);
  }
});

test("every code that a refusal, an update or a failure carries is documented", () => {
  const codes = documented();
  for (const [, code = ""] of sources().matchAll(/(?:refusal\(|\bcode: |super\(\s*)"([a-z]+(?:_[a-z]+)+)"/g))
    assert.ok(codes.has(code), code);
});

test("every documented code exists in the sources", () => {
  const text = sources();
  for (const code of documented().keys()) assert.ok(text.includes(`"${code}"`), code);
});
