// The file layer of the chaos worker, below the directory store and the worker's cache. It asks the driver
// before and after each commit, can fail a write with ENOSPC, and writes the journal from which a power
// failure is simulated (journal.ts).
import { appendFileSync, linkSync, promises, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join, relative } from "node:path";
import { isUnder } from "../journal.ts";
import type { JournalEntry } from "../journal.ts";
import type { Answer, Point, StoreOperation } from "../points.ts";
import { currentAttempt } from "./attempt.ts";

export interface FileLayer {
  /** Root of the directory store; absent for another store. */
  store?: string;
  /** Folders whose unsynced writes a power failure loses. */
  folders: readonly string[];
  journal: string;
  ask(point: Point): Promise<Answer>;
}

export function installFiles({ store, folders, journal, ask }: FileLayer): void {
  const real = { ...promises };
  const kept = (path: unknown): path is string =>
    typeof path === "string" && folders.some((folder) => isUnder(folder, path));
  const note = (entry: JournalEntry): void => appendFileSync(journal, `${JSON.stringify(entry)}\n`);
  const outOfSpace = new Set<string>();

  const point = async (
    when: "before" | "after",
    operation: StoreOperation,
    path: string,
  ): Promise<Answer> => {
    if (store === undefined || !isUnder(store, path)) return { type: "go" };
    return ask({ what: "store", when, operation, key: relative(store, path), attempt: currentAttempt() });
  };
  /** Called at the first byte of a file. A full disk keeps half of the file, as a real one does. */
  const mayWrite = async (path: string): Promise<void> => {
    const { type } = await point("before", "put", path);
    if (type === "disk-full") outOfSpace.add(path);
  };
  const refuse = async (path: string): Promise<void> => {
    if (!outOfSpace.delete(path)) return;
    await ask({ what: "done", fault: "disk-full", key: path, attempt: currentAttempt() });
    throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), {
      code: "ENOSPC",
      errno: -28,
      syscall: "write",
    });
  };

  const open: typeof real.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode);
    if (!kept(path)) return handle;
    if (flags !== undefined && flags !== "r") {
      note({ op: "write", path });
      await mayWrite(path);
      const { writeFile } = handle;
      handle.writeFile = async (data, options) => {
        if (outOfSpace.has(path))
          await writeFile.call(
            handle,
            (data as Uint8Array).subarray(0, (data as Uint8Array).length / 2),
            options,
          );
        await refuse(path);
        return writeFile.call(handle, data, options);
      };
    }
    return syncing(handle, path, note);
  };

  Object.assign(promises, {
    open,
    async copyFile(from: string, to: string, mode?: number) {
      if (store !== undefined && isUnder(store, from)) await point("before", "get", from);
      if (kept(to)) {
        note({ op: "write", path: to });
        await mayWrite(to);
        await refuse(to);
      }
      return real.copyFile(from, to, mode);
    },
    async readFile(path: string, options?: Parameters<typeof real.readFile>[1]) {
      if (kept(path)) await point("before", "get", path);
      return real.readFile(path, options);
    },
    async link(from: string, to: string) {
      if (!kept(to)) return real.link(from, to);
      await point("before", "create", to);
      await real.link(from, to);
      note({ op: "link", from, to });
      await point("after", "create", to);
    },
    async rename(from: string, to: string) {
      if (!kept(to)) return real.rename(from, to);
      const backup = keepAside(to, journal);
      await real.rename(from, to);
      note({ op: "rename", from, to, backup });
      await point("after", "put", to);
    },
    async mkdir(path: string, options?: Parameters<typeof real.mkdir>[1]) {
      const recursive = typeof options === "object" && options?.recursive === true;
      const made = await real.mkdir(path, options);
      const first = recursive ? made : path;
      if (kept(path))
        for (let folder = first; folder !== undefined && isUnder(folder, path); folder = next(folder, path))
          note({ op: "folder", path: folder });
      return made;
    },
    async rm(path: string, options?: Parameters<typeof real.rm>[1]) {
      await real.rm(path, options);
      if (kept(path)) note({ op: "remove", path });
    },
  });
  syncBuiltinESMExports();
}

/** A handle that records its syncs in the journal after they are done. */
function syncing(handle: FileHandle, path: string, note: (entry: JournalEntry) => void): FileHandle {
  const { sync } = handle;
  handle.sync = async () => {
    await sync.call(handle);
    note({ op: statSync(path).isDirectory() ? "sync-folder" : "sync", path });
  };
  return handle;
}

/** Keeps the file that a rename replaces: it comes back if the power fails before the folder is synced. */
function keepAside(path: string, journal: string): string | undefined {
  const backup = `${journal}.${process.pid}.${performance.now()}`;
  try {
    if (!statSync(path).isFile()) return undefined;
    linkSync(path, backup);
    return backup;
  } catch {
    return undefined; // there was nothing to replace
  }
}

/** The folder below `made` on the way to `path`; undefined at its end. */
function next(made: string, path: string): string | undefined {
  if (made === path) return undefined;
  const [name] = relative(made, path).split("/");
  return join(made, name as string);
}
