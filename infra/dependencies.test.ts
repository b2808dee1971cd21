import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { staleDependencies } from "./dependencies.mjs";

/** dist/infra/ when compiled. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
interface Entry {
  version?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
const lock = (
  JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, Entry> }
).packages;

const folder = mkdtempSync(join(tmpdir(), "ratchet-dependencies-"));
after(() => rmSync(folder, { recursive: true, force: true }));

it("the lock file holds the packages of every platform, without which npm ci fails", () => {
  const missing = Object.entries(lock).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !resolves(path, name))
      .map((name) => `${path || "."} needs ${name}`),
  );
  assert.deepEqual(missing, []);
});

/** Looks for a package as Node does: in the folder, then in its ancestors. */
function resolves(from: string, name: string): boolean {
  for (let dir = from; ; dir = dirname(dir)) {
    if (join(dir, "node_modules", name).replaceAll("\\", "/") in lock) return true;
    if (dir === "" || dir === ".") return false;
  }
}

it("installs again only after an interrupted install, a changed version or a deleted package", () => {
  const packages = {
    "": {},
    "node_modules/a": { version: "1.0.0", integrity: "x" },
    "node_modules/other": { version: "1.0.0", integrity: "y", optional: true, os: ["none"] },
  };
  const root = clone(packages);
  assert.equal(staleDependencies(root), "no complete node_modules");
  installed(root, packages);
  assert.equal(staleDependencies(root), undefined);
  installed(root, { ...packages, "node_modules/a": { version: "0.9.0", integrity: "x" } });
  assert.equal(staleDependencies(root), "a is not 1.0.0");
  installed(root, packages);
  rmSync(join(root, "node_modules", "a"), { recursive: true });
  assert.equal(staleDependencies(root), "node_modules/a is missing");
});

let clones = 0;
function clone(packages: object): string {
  const root = join(folder, String(clones++));
  mkdirSync(root);
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages }));
  return root;
}

function installed(root: string, packages: object): void {
  mkdirSync(join(root, "node_modules", "a"), { recursive: true });
  writeFileSync(join(root, "node_modules", "a", "package.json"), "{}");
  writeFileSync(join(root, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
}
