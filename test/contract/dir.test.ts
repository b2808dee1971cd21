import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile, link, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { dirBackend } from "../../store/backends/dir.ts";
import type { WritingFs } from "../../store/backends/dir.ts";
import { openStore } from "../../store/index.ts";
import { storeContract } from "./store-contract.ts";

const made: string[] = [];
after(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))));

async function freshFolder(): Promise<string> {
  made.push(await mkdtemp(join(tmpdir(), "ratchet-dir-")));
  return made.at(-1)!;
}

storeContract("directory", async () => {
  const root = join(await freshFolder(), "not", "yet", "made");
  return { backend: dirBackend(root), again: () => dirBackend(root) };
});

const bytes = new TextEncoder().encode("bytes");
const refusing = (code: string) => (): Promise<never> => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }));
const faulty = (root: string, faults: Partial<WritingFs>) => dirBackend(root, { open, copyFile, link, rename, ...faults });
const temporaries = async (root: string): Promise<string[]> => (await readdir(root, { recursive: true })).filter((name) => name.includes(".tmp-"));

test("what a killed writer left is neither listed nor read, and stops nobody", async () => {
  const root = await freshFolder();
  await mkdir(join(root, "folder"));
  await writeFile(join(root, "folder", "key.tmp-0123456789ab"), "half a wri");
  const backend = dirBackend(root);
  assert.equal(await backend.putIfAbsent("folder/key", bytes), "created");
  const keys: string[] = [];
  for await (const key of backend.list("")) keys.push(key);
  assert.deepEqual(keys, ["folder/key"]);
});

test("a full disk is said as disk_full, leaves no key and no temporary file, and the same call works later", async () => {
  const root = await freshFolder();
  const source = join(await freshFolder(), "source");
  await writeFile(source, "a file");
  const full = faulty(root, { open: refusing("ENOSPC"), copyFile: refusing("EDQUOT") });
  for (const write of [() => full.put("a/k", bytes), () => full.putIfAbsent("a/k", bytes), () => full.putFile("a/k", source)]) {
    await assert.rejects(write(), { kind: "resource", code: "disk_full" });
  }
  // Nothing may take the name before its bytes are whole.
  const late = faulty(root, { rename: refusing("ENOSPC"), link: refusing("ENOSPC") });
  await assert.rejects(late.put("a/k", bytes), { code: "disk_full" });
  await assert.rejects(late.putIfAbsent("a/k", bytes), { code: "disk_full" });
  assert.deepEqual([await full.get("a/k"), await temporaries(root)], [undefined, []]);
  assert.equal(await dirBackend(root).putIfAbsent("a/k", bytes), "created");
});

test("a folder that refuses is said as store_denied, one without hard links as store_unfit, a lost mount as store_unreachable", async () => {
  const root = await freshFolder();
  await assert.rejects(faulty(root, { open: refusing("EACCES") }).put("k", bytes), { kind: "resource", code: "store_denied" });
  await assert.rejects(faulty(root, { link: refusing("EPERM") }).putIfAbsent("k", bytes), { code: "store_unfit" });
  await assert.rejects(faulty(root, { rename: refusing("ESTALE") }).put("k", bytes), { code: "store_unreachable" });
  await writeFile(join(root, "file"), "");
  await assert.rejects(dirBackend(join(root, "file", "below")).put("k", bytes), { code: "store_denied" });
});

test("an unreadable folder is said as store_denied", { skip: process.getuid?.() === 0 && !canDrop() ? "root reads everything" : false }, async () => {
  const root = await freshFolder();
  await dirBackend(root).put("secret/k", bytes);
  const script = `import {dirBackend} from ${JSON.stringify(join(import.meta.dirname, "../../store/backends/dir.js"))};
    const backend = dirBackend(${JSON.stringify(root)});
    for (const call of [() => backend.get("secret/k"), () => backend.put("secret/j", new Uint8Array(1)), async () => { for await (const _ of backend.list("")); }])
      console.log(await call().then(() => "done", (error) => error.code));`;
  spawnSync("chmod", ["000", join(root, "secret")]);
  const asRoot = process.getuid?.() === 0;
  if (asRoot) spawnSync("chmod", ["755", root]);
  const [command, args] = asRoot ? ["setpriv", ["--bounding-set", "-all", "--inh-caps", "-all", process.execPath]] : [process.execPath, []];
  const { stdout, stderr } = spawnSync(command as string, [...(args as string[]), "--input-type=module", "-e", script], { encoding: "utf8" });
  spawnSync("chmod", ["755", join(root, "secret")]);
  assert.deepEqual(stdout.trim().split("\n"), ["store_denied", "store_denied", "store_denied"], stderr);
});

/** Root may read everything unless it gives up its capabilities. */
function canDrop(): boolean {
  return spawnSync("setpriv", ["--bounding-set", "-all", "--inh-caps", "-all", "true"]).status === 0;
}

test("a link that NFS made but denies counts as made", async () => {
  const root = await freshFolder();
  const denies: typeof link = async (from, to) => {
    await link(from, to);
    throw Object.assign(new Error("EEXIST: injected"), { code: "EEXIST" });
  };
  const backend = faulty(root, { link: denies });
  assert.equal(await backend.putIfAbsent("k", bytes), "created");
  assert.equal(await dirBackend(root).putIfAbsent("k", bytes), "exists");
});

test("a store's name is dir:, s3: or memory:, and nothing else", async () => {
  for (const name of ["", "dir:", "/tmp/x", "s3://", "s3:///x", "s3://UPPER/x", "s3://bucket//x", "s3://bucket/../x", "http://x"]) {
    await assert.rejects(openStore(name), { kind: "spec", code: "store_name_invalid" }, name);
  }
  const folder = await freshFolder();
  assert.equal((await openStore(`dir:${folder}/./`)).name, `dir:${folder}`);
  assert.equal(dirname((await openStore("dir:relative")).name.slice("dir:".length)), process.cwd());
});
