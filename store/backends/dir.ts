// A directory as a backend. A write fills a temporary file and syncs it. Then the file gets its name: by
// link(2) if the key must not exist (it fails if the name exists), else by rename(2). Last the folder is
// synced. There are no lock files, so none can be left behind.
import { randomBytes } from "node:crypto";
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileDigest } from "../file-digest.ts";
import { sync } from "../sync.ts";
import type { Backend } from "../types.ts";
import { absent, translated } from "./dir-errors.ts";

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
      const firstMade = await mkdir(dirname(path), { recursive: true });
      // A new folder survives a power failure once the folder above it is synced.
      if (firstMade)
        for (let folder = dirname(path); folder.length >= dirname(firstMade).length; folder = dirname(folder))
          await sync(folder);
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
    get: (key) => readFile(pathOf(key)).catch((error: unknown) => absent(error, root)),
    digest: (key) => fileDigest(pathOf(key)).catch((error: unknown) => absent(error, root)),
    async getFile(key, path) {
      const found = await copyFile(pathOf(key), path).then(
        () => true,
        (error: unknown) => absent(error, root),
      );
      return found === true ? fileDigest(path) : undefined;
    },
    put: (key, bytes) => write(key, fromBytes(bytes), rename),
    putFile: (key, path) => write(key, (temporary) => copyFile(path, temporary), rename),
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
      const found = await stat(pathOf(key)).catch((error: unknown) => absent(error, root));
      return found && { key, sizeBytes: found.size, modifiedMs: found.mtimeMs };
    },
    async *list(prefix, after = "") {
      for (const key of await files(root, prefix)) if (!TEMPORARY.test(key) && key > after) yield key;
    },
    async *entries(prefix) {
      for await (const key of this.list(prefix)) {
        const found = await this.stat(key);
        if (found) yield found;
      }
    },
    async *leftovers() {
      for (const key of (await files(root, "")).filter((name) => TEMPORARY.test(name))) {
        const found = await this.stat(key);
        if (found) yield { ...found, remove: () => this.delete(key) };
      }
    },
    async *folders(prefix) {
      const entries = await readdir(pathOf(prefix), { withFileTypes: true }).catch((error: unknown) =>
        absent(error, root),
      );
      yield* (entries ?? [])
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    },
    delete: (key) =>
      rm(pathOf(key), { force: true }).catch((error: unknown) => {
        throw translated(error, root);
      }),
  };
}

/** Paths from the root of all files whose path begins with `prefix`, sorted. */
async function files(root: string, prefix: string): Promise<string[]> {
  const slash = prefix.lastIndexOf("/");
  const folder = slash < 0 ? "" : prefix.slice(0, slash);
  const entries = await readdir(join(root, ...folder.split("/")), {
    recursive: true,
    withFileTypes: true,
  }).catch((error: unknown) => absent(error, root));
  const paths = (entries ?? [])
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(root.length + 1)
        .split("\\")
        .join("/"),
    );
  return paths.filter((path) => path.startsWith(prefix)).sort();
}
