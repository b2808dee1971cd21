// A worker's copies of trees and blobs on local disk, by digest: fetched once, verified then and at their first use in each process, never
// changed, evicted when unused for longest.
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileDigest } from "./file-digest.ts";
import type { Tree } from "./blobs.ts";
import { syncAll } from "./sync.ts";
import type { Digest, Store } from "./types.ts";

export interface CacheOptions {
  dir: string;
  maxBytes: number;
  store: Pick<Store, "getTree" | "getBlobFile" | "getJson">;
}

export interface Cache {
  /** A folder that holds the tree; do not write into it. */
  tree(digest: Digest): Promise<string>;
  /** A file that holds the blob. */
  blob(digest: Digest): Promise<string>;
  /** Which copy of the tree the folder is now; undefined where it is not whole: others may clear a cache at any time. */
  copyOf(digest: Digest): Promise<string | undefined>;
}

/** Entries touched within this time are in use or about to be: never evicted. */
const IN_USE_MS = 10 * 60_000;

export function openCache({ dir, maxBytes, store }: CacheOptions): Cache {
  const fetching = new Map<string, Promise<string>>();
  /** Bytes of what this process found whole. Files that go away since then are noticed; a disk that decays is not what this guards against. */
  const sound = new Map<string, number>();

  function entry(
    name: string,
    fetch: (path: string) => Promise<void>,
    isSound: (path: string) => Promise<boolean>,
  ): Promise<string> {
    const running = fetching.get(name);
    if (running) return running;
    const path = join(dir, name);
    const ready = take(path, fetch, isSound).finally(() => fetching.delete(name));
    fetching.set(name, ready);
    return ready;
  }

  async function take(
    path: string,
    fetch: (path: string) => Promise<void>,
    isSound: (path: string) => Promise<boolean>,
  ): Promise<string> {
    const now = new Date();
    if (
      await utimes(path, now, now).then(
        () => true,
        () => false,
      )
    ) {
      if ((await isStill(path)) || (await isSound(path))) return found(path);
      await rm(path, { recursive: true, force: true });
    }
    await mkdir(dir, { recursive: true });
    const temporary = `${path}.tmp-${randomBytes(6).toString("hex")}`;
    try {
      await fetch(temporary);
      // A power failure must not leave an entry's name without its bytes.
      await syncAll(temporary);
      // Another process may have been first: its entry has the same content.
      await rename(temporary, path).catch(async (error: unknown) => {
        if (!(await stat(path).catch(() => undefined))) throw error;
      });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    await found(path);
    await evict();
    return path;
  }

  async function found(path: string): Promise<string> {
    sound.set(path, (await measured(path)).bytes);
    return path;
  }

  async function isStill(path: string): Promise<boolean> {
    const bytes = sound.get(path);
    return bytes !== undefined && bytes === (await measured(path).catch(() => undefined))?.bytes;
  }

  async function copyOf(path: string): Promise<string | undefined> {
    if (!(await isStill(path))) return undefined;
    // A number of an inode may be given again.
    return stat(path).then(
      ({ ino, birthtimeMs }) => `${ino} ${birthtimeMs}`,
      () => undefined,
    );
  }

  async function evict(): Promise<void> {
    const entries = await Promise.all(
      (await readdir(dir)).map(async (name) => ({ name, ...(await measured(join(dir, name))) })),
    );
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { name, bytes, usedMs } of entries.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= maxBytes || Date.now() - usedMs < IN_USE_MS) return;
      await rm(join(dir, name), { recursive: true, force: true });
      total -= bytes;
    }
  }

  return {
    tree: (digest) =>
      entry(
        treeName(digest),
        (path) => store.getTree(digest, path),
        async (path) => holds(path, (await store.getJson<Tree>(digest)).files),
      ),
    blob: (digest) =>
      entry(
        `blob-${digest}`,
        (path) => store.getBlobFile(digest, path),
        async (path) => (await digestOf(path)) === digest,
      ),
    copyOf: (digest) => copyOf(join(dir, treeName(digest))),
  };
}

const treeName = (digest: Digest): string => `tree-${digest}`;

async function holds(dir: string, files: Tree["files"]): Promise<boolean> {
  for (const { path, digest } of files) if ((await digestOf(join(dir, path))) !== digest) return false;
  return true;
}

/** Undefined where there is no such file to read. */
const digestOf = (path: string): Promise<Digest | undefined> => fileDigest(path).catch(() => undefined);

async function measured(path: string): Promise<{ bytes: number; usedMs: number }> {
  const found = await stat(path);
  if (!found.isDirectory()) return { bytes: found.size, usedMs: found.mtimeMs };
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((file) =>
    file.isFile(),
  );
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), usedMs: found.mtimeMs };
}
