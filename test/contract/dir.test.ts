import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { dirBackend } from "../../store/backends/dir.ts";
import { storeContract } from "./store-contract.ts";

const root = await mkdtemp(join(tmpdir(), "ratchet-dir-store-"));
after(() => rm(root, { recursive: true, force: true }));

storeContract("a directory", async () => dirBackend(root));

it("a temporary file that a killed writer left is not a key, and does not stop the next writer", async () => {
  const folder = await mkdtemp(join(root, "killed-"));
  const backend = dirBackend(folder);
  await writeFile(join(folder, "row.tmp-0123456789ab"), "half");
  assert.equal(await backend.putIfAbsent("row", new TextEncoder().encode("whole")), "created");
  const keys: string[] = [];
  for await (const key of backend.list("")) keys.push(key);
  assert.deepEqual(keys, ["row"]);
});

it("leaves no temporary file behind, whoever wins", async () => {
  const folder = await mkdtemp(join(root, "clean-"));
  const backend = dirBackend(folder);
  await Promise.all(Array.from({ length: 16 }, (_, n) => backend.putIfAbsent("row", new TextEncoder().encode(String(n)))));
  assert.deepEqual(await readdir(folder), ["row"]);
});
