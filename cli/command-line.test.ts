import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { commandLine } from "./command-line.ts";

const CLONE = fileURLToPath(new URL("../../", import.meta.url));
const MAIN = join(CLONE, "dist/cli/main.js");

it("a suggested command works with npx, installed, in the clone, and from another folder", () => {
  const shown = (script: string, folder: string) => commandLine("watch shop", script, folder);
  assert.equal(
    shown("/home/ada/.npm/_npx/6f/node_modules/.bin/ratchet", "/home/ada"),
    "npx ratchet watch shop",
  );
  assert.equal(shown("/usr/local/bin/ratchet", "/home/ada"), "ratchet watch shop");
  assert.equal(shown(MAIN, CLONE), "npx ratchet watch shop");
  assert.equal(shown(MAIN, join(CLONE, "examples/shop")), "npx ratchet watch shop");
  assert.equal(shown(MAIN, join(CLONE, "..")), `node ${MAIN} watch shop`);
  assert.equal(shown("/my code/main.js", "/"), 'node "/my code/main.js" watch shop');
});
