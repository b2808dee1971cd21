// A worker's copies of trees and blobs on local disk, by digest. An entry is downloaded once, checked then
// and at its first use in each process, and never changed. When the cache is full, the entry that was unused
// for the longest time is deleted first.
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileDigest } from "./file-digest.ts";
import type { Tree } from "./blobs.ts";
import { syncAll } from "./sync.ts";
import type { Digest, Store } from "./types.ts";

interface CacheOptions {
  dir: string;
  maxBytes: number;
  store: Pick<Store, "getTree" | "getBlobFile" | "getJson">;
}

export interface Cache {
  /** A folder that holds the tree; do not write into it. */
  tree(digest: Digest): Promise<string>;
  /** A file that holds the blob. */
  blob(digest: Digest): Promise<string>;
  /**
   * Identifies the present copy of the tree. Undefined if it is not whole: other processes may clear a cache
   * at any time.
   */
  copyOf(digest: Digest): Promise<string | undefined>;
}

/** Entries that were used within this time may be in use: they are never deleted. */
const IN_USE_MS = 10 * 60_000;

type Fetch = (path: string) => Promise<void>;
type Check = (path: string) => Promise<boolean>;

export const openCache = (options: CacheOptions): Cache => new DiskCache(options);

class DiskCache implements Cache {
  private readonly dir: string;
  private readonly maxBytes: number;
  private readonly store: CacheOptions["store"];
  private readonly fetching = new Map<string, Promise<string>>();
  /**
   * Bytes of each entry that this process found whole. A later loss of files shows in it; a later change of
   * bytes does not.
   */
  private readonly sound = new Map<string, number>();

  constructor({ dir, maxBytes, store }: CacheOptions) {
    this.dir = dir;
    this.maxBytes = maxBytes;
    this.store = store;
  }

  tree(digest: Digest): Promise<string> {
    return this.entry(
      treeName(digest),
      (path) => this.store.getTree(digest, path),
      async (path) => holds(path, (await this.store.getJson<Tree>(digest)).files),
    );
  }

  blob(digest: Digest): Promise<string> {
    return this.entry(
      `blob-${digest}`,
      (path) => this.store.getBlobFile(digest, path),
      async (path) => (await digestOf(path)) === digest,
    );
  }

  async copyOf(digest: Digest): Promise<string | undefined> {
    const path = join(this.dir, treeName(digest));
    if (!(await this.isStill(path))) return undefined;
    // The file system may use the number of a deleted inode again.
    return stat(path).then(
      ({ ino, birthtimeMs }) => `${ino} ${birthtimeMs}`,
      () => undefined,
    );
  }

  /** Callers that ask for the same entry at the same time share one download. */
  private entry(name: string, fetch: Fetch, isSound: Check): Promise<string> {
    const running = this.fetching.get(name);
    if (running) return running;
    const ready = this.take(join(this.dir, name), fetch, isSound).finally(() => this.fetching.delete(name));
    this.fetching.set(name, ready);
    return ready;
  }

  private async take(path: string, fetch: Fetch, isSound: Check): Promise<string> {
    const now = new Date();
    const exists = await utimes(path, now, now).then(
      () => true,
      () => false,
    );
    if (exists) {
      if ((await this.isStill(path)) || (await isSound(path))) return this.found(path);
      await rm(path, { recursive: true, force: true });
    }
    await mkdir(this.dir, { recursive: true });
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
    await this.found(path);
    await this.evict();
    return path;
  }

  private async found(path: string): Promise<string> {
    this.sound.set(path, (await measured(path)).bytes);
    return path;
  }

  private async isStill(path: string): Promise<boolean> {
    const bytes = this.sound.get(path);
    return bytes !== undefined && bytes === (await measured(path).catch(() => undefined))?.bytes;
  }

  private async evict(): Promise<void> {
    const entries = await Promise.all(
      (await readdir(this.dir)).map(async (name) => ({ name, ...(await measured(join(this.dir, name))) })),
    );
    let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { name, bytes, usedMs } of entries.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.maxBytes || Date.now() - usedMs < IN_USE_MS) return;
      await rm(join(this.dir, name), { recursive: true, force: true });
      total -= bytes;
    }
  }
}

const treeName = (digest: Digest): string => `tree-${digest}`;

async function holds(dir: string, files: Tree["files"]): Promise<boolean> {
  for (const { path, digest } of files) if ((await digestOf(join(dir, path))) !== digest) return false;
  return true;
}

/** Undefined if the file cannot be read. */
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
