// A full local disk, below the worker's cache and the engine's scratch. The engine's children have no
// connection to the driver, so the driver creates the file `full`. The process that renames it away fails its
// write and leaves a file that names the write.
import { existsSync, promises, renameSync, writeFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { isUnder } from "../journal.ts";

export interface LocalDisk {
  folders: readonly string[];
  /** While this file exists, the disk is full. */
  full: string;
}

/** The file beside `full` that names the failed write. */
export const refusedFile = (full: string): string => `${full}.refused`;

export function installLocalDisk({ folders, full }: LocalDisk): void {
  const real = { ...promises };
  const refuse = (path: unknown): void => {
    if (typeof path !== "string" || !folders.some((folder) => isUnder(folder, path)) || !existsSync(full))
      return;
    try {
      renameSync(full, `${full}.taken`);
    } catch {
      return; // another process was faster
    }
    // Renamed when complete, because the driver reads it as soon as it exists.
    writeFileSync(`${full}.taken`, JSON.stringify({ path, pid: process.pid }));
    renameSync(`${full}.taken`, refusedFile(full));
    throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), {
      code: "ENOSPC",
      errno: -28,
      syscall: "write",
    });
  };
  Object.assign(promises, {
    async open(path: string, flags?: string, mode?: number) {
      const handle = await real.open(path, flags, mode);
      if (flags === undefined || flags === "r") return handle;
      // writeFile: whole files of the engine; write: parts of a download from S3.
      const { write, writeFile } = handle;
      handle.write = (async (...given: Parameters<FileHandle["write"]>) => {
        refuse(path);
        return write.apply(handle, given);
      }) as FileHandle["write"];
      handle.writeFile = (async (...given: Parameters<FileHandle["writeFile"]>) => {
        refuse(path);
        return writeFile.apply(handle, given);
      }) as FileHandle["writeFile"];
      return handle;
    },
    async writeFile(...given: Parameters<typeof real.writeFile>) {
      refuse(given[0]);
      return real.writeFile(...given);
    },
    async copyFile(...given: Parameters<typeof real.copyFile>) {
      refuse(given[1]);
      return real.copyFile(...given);
    },
  });
  syncBuiltinESMExports();
}
