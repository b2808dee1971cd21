// Listings of a directory. A FIFO, a folder or a link that leads nowhere in the place of an object is listed
// like one, so that whoever reads it names it. Left out, a ledger row would be missing without a word.
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isObjectKey } from "../layout.ts";
import { absent } from "./dir-errors.ts";

const pathOf = (root: string, key: string): string => join(root, ...key.split("/"));

/** Keys of all objects that begin with `prefix`, sorted; also of temporary files. */
export async function listFiles(root: string, prefix: string): Promise<string[]> {
  const slash = prefix.lastIndexOf("/");
  const entries = await entriesOf(pathOf(root, slash < 0 ? "" : prefix.slice(0, slash)), root, true);
  const keys: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const key = path
      .slice(root.length + 1)
      .split("\\")
      .join("/");
    if (key.startsWith(prefix) && (!(await isFolder(entry, path)) || isObjectKey(key))) keys.push(key);
  }
  return keys.sort();
}

/** Names of the folders directly below a prefix, sorted. */
export async function* listFolders(root: string, prefix: string): AsyncGenerator<string> {
  const folder = pathOf(root, prefix);
  const names: string[] = [];
  for (const entry of await entriesOf(folder, root, false))
    if (await isFolder(entry, join(folder, entry.name))) names.push(entry.name);
  yield* names.sort();
}

const entriesOf = async (folder: string, root: string, recursive: boolean): Promise<Dirent[]> =>
  (await readdir(folder, { recursive, withFileTypes: true }).catch((error: unknown) =>
    absent(error, root),
  )) ?? [];

/** A link to a folder counts as one; its contents are not listed. */
async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
