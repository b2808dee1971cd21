// Makes files survive a power failure. To sync a file saves its bytes; to sync its folder saves its name.
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

/** Syncs a file, or a folder and everything in it. */
export async function syncAll(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTDIR") return [];
    throw error;
  });
  for (const entry of entries) await syncAll(join(path, entry.name));
  await sync(path);
}
