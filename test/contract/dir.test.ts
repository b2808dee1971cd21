import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, it } from "node:test";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { dirBackend } from "../../store/backends/dir.ts";
import { openStore } from "../../store/index.ts";
import { labelsContract } from "./labels-contract.ts";
import { maintenanceContract } from "./maintenance-contract.ts";
import { storeContract } from "./store-contract.ts";

const root = await mkdtemp(join(tmpdir(), "ratchet-dir-store-"));
after(() => rm(root, { recursive: true, force: true }));

storeContract("a directory", async () => dirBackend(root));
maintenanceContract("a directory", async () => dirBackend(await mkdtemp(join(root, "care-"))));
labelsContract("a directory", async () => dirBackend(await mkdtemp(join(root, "labels-"))));

it("a temporary file that a killed writer left is not a key, and does not stop the next writer", async () => {
  const folder = await mkdtemp(join(root, "killed-"));
  const backend = dirBackend(folder);
  await writeFile(join(folder, "row.tmp-0123456789ab"), "half");
  assert.equal(await backend.putIfAbsent("row", new TextEncoder().encode("whole")), "created");
  const keys: string[] = [];
  for await (const key of backend.list("")) keys.push(key);
  assert.deepEqual(keys, ["row"]);
});

it("leaves no temporary file behind after a race", async () => {
  const folder = await mkdtemp(join(root, "clean-"));
  const backend = dirBackend(folder);
  await Promise.all(
    Array.from({ length: 16 }, (_, n) => backend.putIfAbsent("row", new TextEncoder().encode(String(n)))),
  );
  assert.deepEqual(await readdir(folder), ["row"]);
});

it("makes no store at a mistyped name for a reader, and says that there is none", async () => {
  const folder = join(root, "mistyped");
  await assert.rejects(openStore(`dir:${folder}`, { create: false }), {
    code: "store_absent",
    message: new RegExp(folder),
  });
  assert.equal(existsSync(folder), false);
  await openStore(`dir:${folder}`);
  await openStore(`dir:${folder}`, { create: false });
});

it(
  "names a folder that it may not write to",
  { skip: process.getuid?.() === 0 ? "root may write everywhere" : false },
  async () => {
    const folder = await mkdtemp(join(root, "read-only-"));
    await chmod(folder, 0o500);
    await assert.rejects(openStore(`dir:${folder}`), { code: "store_denied" });
  },
);

it("leaves half-written files to prune, which deletes them by their age", async () => {
  const folder = await mkdtemp(join(root, "left-"));
  const store = await openStore(`dir:${folder}`);
  const left = join(folder, "blobs", "half.tmp-0123456789ab");
  await mkdir(dirname(left));
  await writeFile(left, "half");
  assert.equal((await pruneStore(store, { dryRun: false, graceMs: 60_000 })).leftovers.count, 0);
  await utimes(left, new Date(0), new Date(0));
  assert.deepEqual((await pruneStore(store, { dryRun: false, graceMs: 60_000 })).leftovers, {
    count: 1,
    sizeBytes: 4,
  });
  assert.equal(existsSync(left), false);
});

const notLinux = process.platform === "linux" ? false : "needs Linux's /proc and /sys";

it("does not begin again at its place while it is moved away, and resumes when it is back", async () => {
  const folder = await mkdtemp(join(root, "moved-"));
  const store = await openStore(`dir:${folder}`);
  const raw = dirBackend(folder);
  const event = { type: "created" };
  await store.ledger("c").append({ id: "created", epoch: 0, event, by: "test" });
  const failed = { id: "failed", epoch: 0, event: { type: "failed" }, by: "test" };
  const gone = { code: "store_unreachable" };
  await rename(folder, `${folder}.away`);
  for (const appear of [async () => undefined, () => mkdir(folder)]) {
    await appear();
    await assert.rejects(store.ledger("c").append(failed), gone);
    await assert.rejects(store.putBlob("more"), gone);
    await assert.rejects(openStore(`dir:${folder}`, { create: false }), { code: "store_absent" });
  }
  await rm(folder, { recursive: true });
  // Without the check, too: it may have been made just before the store went away.
  await assert.rejects(raw.put("blobs/sha256/ab/x", new Uint8Array([1])), gone);
  await assert.rejects(raw.putIfAbsent("row", new Uint8Array([1])), gone);
  assert.equal(existsSync(folder), false);
  await writeFile(folder, "a file");
  await assert.rejects(store.putBlob("more"), gone);
  await rm(folder);
  await rename(`${folder}.away`, folder);
  assert.equal((await store.ledger("c").append(failed)).n, 1);
});

it("names the file in place of one of its folders", async () => {
  const folder = await mkdtemp(join(root, "blocked-"));
  const store = await openStore(`dir:${folder}`);
  await writeFile(join(folder, "campaigns"), "a file");
  const named = { code: "artifact_corrupt", message: /campaigns is a file/ };
  await assert.rejects(store.ledger("c").read(), named);
  await assert.rejects(async () => {
    for await (const id of store.campaigns()) assert.fail(id);
  }, named);
});

it("names the user's file, not the store, if an upload cannot read it", async () => {
  const folder = await mkdtemp(join(root, "user-"));
  const store = await openStore(`dir:${folder}`);
  const mine = join(root, "mine-is-gone");
  await assert.rejects(store.backend.putFile("key", mine), { code: "ENOENT", path: mine });
});

it("says that the disk failed if the system cannot read a file", { skip: notLinux }, async () => {
  const folder = await mkdtemp(join(root, "failing-"));
  const backend = dirBackend(folder);
  // Nothing is mapped at the first address of a process, so the system answers EIO.
  await symlink("/proc/self/mem", join(folder, "key"));
  for (const read of [() => backend.get("key"), () => backend.digest("key")])
    await assert.rejects(read(), { code: "store_unreachable", message: /EIO/ });
});

it(
  "says that the store refused if it cannot make a folder or delete a file",
  { skip: notLinux },
  async () => {
    const backend = dirBackend("/sys");
    await assert.rejects(backend.put("ratchet-test/key", new Uint8Array([1])), { code: "store_denied" });
    await assert.rejects(backend.delete("kernel/vmcoreinfo"), { code: "store_denied" });
  },
);
