// Makes what was written outlive a power failure: a file's bytes when the file is synced, its name when the folder is.
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

export async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A file, or a folder with all that it holds. */
export async function syncAll(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTDIR") return [];
    throw error;
  });
  for (const entry of entries) await syncAll(join(path, entry.name));
  await sync(path);
}
