// A directory as a backend. A write fills a temporary file and syncs it. Then the file gets its name: by
// link(2) if the key must not exist (it fails if the name exists), else by rename(2). Last the folder is
// synced. There are no lock files, so none can be left behind. Only the creation of a store makes its root.
import { randomBytes } from "node:crypto";
import { copyFile, link, lstat, mkdir, open, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isDiskFull, RatchetError } from "../../errors/index.ts";
import { fileDigest } from "../file-digest.ts";
import { FORMAT_KEY } from "../layout.ts";
import { sync } from "../sync.ts";
import type { Backend } from "../types.ts";
import { absent, codeOf, noFile, translated } from "./dir-errors.ts";
import { listFiles, listFolders } from "./dir-listing.ts";

const TEMPORARY = /\.tmp-[0-9a-f]{12}$/;

// oxlint-disable-next-line max-lines-per-function -- one table: what each call of a backend is in a directory
export function dirBackend(root: string): Backend {
  const pathOf = (key: string): string => join(root, ...key.split("/"));

  /** `fill` writes a temporary file, which is then synced; `publish` gives it its name. */
  async function write(
    key: string,
    fill: (temporary: string) => Promise<void>,
    publish: (temporary: string, path: string) => Promise<void>,
  ): Promise<void> {
    const path = pathOf(key);
    const temporary = `${path}.tmp-${randomBytes(6).toString("hex")}`;
    try {
      const folder = dirname(path);
      const firstMade = await (key === FORMAT_KEY
        ? mkdir(folder, { recursive: true })
        : makeFolder(folder, root));
      // A new folder survives a power failure once the folder above it is synced.
      if (firstMade)
        for (let made = folder; made.length >= dirname(firstMade).length; made = dirname(made))
          await sync(made);
      await fill(temporary);
      await sync(temporary);
      await publish(temporary, path);
      await sync(dirname(path));
    } catch (error) {
      throw translated(error, root);
    } finally {
      // A file that cannot be removed now is left to `prune`.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
  /** `work` on the file of a key; undefined if there is none. Never reads a FIFO, which may block. */
  async function read<T>(key: string, work: (path: string) => Promise<T>): Promise<T | undefined> {
    const path = pathOf(key);
    try {
      if (!(await stat(path)).isFile()) throw noFile(path);
      return await work(path);
    } catch (error) {
      return nothingAt(path, error);
    }
  }
  /** Undefined if there is no file. A link that leads nowhere is listed, so it is not absent. */
  async function nothingAt(path: string, error: unknown): Promise<undefined> {
    const found = codeOf(error) === "ENOENT" ? await lstat(path).catch(() => undefined) : undefined;
    if (found?.isSymbolicLink()) throw noFile(path, error);
    return absent(error, root);
  }
  const fromBytes = (bytes: Uint8Array) => async (temporary: string) => {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  };

  return {
    name: `dir:${root}`,
    get: (key) => read(key, (path) => readFile(path)),
    digest: (key) => read(key, fileDigest),
    getFile: (key, to) =>
      read(key, async (path) => {
        await copyFile(path, to).catch((cause: unknown) => {
          throw isDiskFull(cause) ? noSpaceFor(to, cause) : cause;
        });
        return fileDigest(to);
      }),
    put: (key, bytes) => write(key, fromBytes(bytes), replace),
    putFile: (key, from) =>
      write(
        key,
        (temporary) =>
          copyFile(from, temporary).catch(async (error: unknown) => {
            await stat(from); // if the fault is the caller's file, its own error says so
            throw error;
          }),
        replace,
      ),
    async putIfAbsent(key, bytes) {
      let outcome: "created" | "exists" = "created";
      await write(key, fromBytes(bytes), async (temporary, path) => {
        await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "EEXIST") throw error;
          outcome = "exists";
        });
      });
      return outcome;
    },
    async stat(key) {
      const path = pathOf(key);
      const found = await stat(path).catch((error: unknown) => nothingAt(path, error));
      return found && { key, sizeBytes: found.size, modifiedMs: found.mtimeMs };
    },
    async *list(prefix, after = "") {
      for (const key of await listFiles(root, prefix)) if (!TEMPORARY.test(key) && key > after) yield key;
    },
    async *entries(prefix) {
      for await (const key of this.list(prefix)) {
        const found = await this.stat(key);
        if (found) yield found;
      }
    },
    async *leftovers() {
      for (const key of (await listFiles(root, "")).filter((name) => TEMPORARY.test(name))) {
        const found = await this.stat(key);
        if (found) yield { ...found, remove: () => this.delete(key) };
      }
    },
    folders: (prefix) => listFolders(root, prefix),
    delete: (key) =>
      rm(pathOf(key), { force: true }).catch((error: unknown) => {
        throw translated(error, root);
      }),
  };
}

/**
 * Makes a folder and those above it, but never the root: a store that was moved away or unmounted must not
 * begin again, empty, at its old place. Returns the first folder that it made.
 */
async function makeFolder(folder: string, root: string): Promise<string | undefined> {
  if (folder === root) {
    await stat(root);
    return undefined;
  }
  const make = (): Promise<string | undefined> =>
    mkdir(folder).then(
      () => folder,
      (error: unknown) => {
        if (codeOf(error) !== "EEXIST") throw error;
        return undefined;
      },
    );
  try {
    return await make();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    const above = await makeFolder(dirname(folder), root);
    const made = await make();
    return above ?? made;
  }
}

/** Also in place of an empty folder, which holds nothing that could be lost. */
async function replace(temporary: string, path: string): Promise<void> {
  await rename(temporary, path).catch(async (cause: unknown) => {
    if (codeOf(cause) !== "EISDIR") throw cause;
    await rmdir(path).catch(() => {
      throw noFile(path, cause);
    });
    await rename(temporary, path);
  });
}

const noSpaceFor = (path: string, cause: unknown): RatchetError =>
  new RatchetError("disk_full", `no space left for ${path}, a copy of an object of the store`, {
    hint: "free space on this machine; the campaign resumes by itself",
    cause,
  });
