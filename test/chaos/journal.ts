// Simulates a power failure from a journal of writes: deletes whatever was not synced. POSIX allows a new
// name to survive without its bytes, or to vanish; both are simulated.
import { existsSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { dirname } from "node:path";

export type JournalEntry =
  /** A file is being written: its bytes are not on the disk yet. */
  | { op: "write"; path: string }
  | { op: "sync"; path: string }
  /** A new folder, a second name, a new name: not on the disk until the containing folder is synced. */
  | { op: "folder"; path: string }
  | { op: "link"; from: string; to: string }
  | { op: "rename"; from: string; to: string; backup?: string }
  | { op: "sync-folder"; path: string }
  | { op: "remove"; path: string };

export interface Lost {
  names: number;
  contents: number;
}

/** Deletes whatever was not synced. `namesSurvive`: unsynced names stay, only unsynced bytes are lost. */
export function losePower(journal: string, { namesSurvive }: { namesSurvive: boolean }): Lost {
  const { unsynced, names } = replay(existsSync(journal) ? readFileSync(journal, "utf8") : "");
  const lost: Lost = { names: 0, contents: 0 };
  if (!namesSurvive) {
    for (const [path, backup] of [...names].sort(([one], [other]) => (one < other ? -1 : 1))) {
      if (!existsSync(path)) continue;
      rmSync(path, { recursive: true });
      if (backup !== undefined) renameSync(backup, path);
      lost.names += 1;
    }
  }
  for (const path of unsynced) {
    if (!existsSync(path)) continue;
    truncateSync(path);
    lost.contents += 1;
  }
  rmSync(journal, { force: true });
  return lost;
}

/**
 * Everything unsynced: files whose bytes would be lost, and names that would be lost, each with the file that
 * it replaced.
 */
function replay(text: string): { unsynced: Set<string>; names: Map<string, string | undefined> } {
  const unsynced = new Set<string>();
  const names = new Map<string, string | undefined>();
  for (const line of text.split("\n")) {
    // A killed writer may leave half a line; that operation did not happen.
    const entry = line.endsWith("}") ? (JSON.parse(line) as JournalEntry) : undefined;
    switch (entry?.op) {
      case "write":
        unsynced.add(entry.path);
        names.set(entry.path, undefined);
        break;
      case "sync":
        unsynced.delete(entry.path);
        break;
      case "folder":
        names.set(entry.path, undefined);
        break;
      case "link":
        if (unsynced.has(entry.from)) unsynced.add(entry.to);
        names.set(entry.to, undefined);
        break;
      case "rename":
        for (const path of [...unsynced].filter((path) => isUnder(entry.from, path))) {
          unsynced.delete(path);
          unsynced.add(entry.to + path.slice(entry.from.length));
        }
        for (const path of [...names.keys()].filter((path) => isUnder(entry.from, path))) names.delete(path);
        names.set(entry.to, entry.backup);
        break;
      case "sync-folder":
        for (const path of [...names.keys()].filter((path) => dirname(path) === entry.path))
          names.delete(path);
        break;
      case "remove":
        for (const path of [...unsynced].filter((path) => isUnder(entry.path, path))) unsynced.delete(path);
        for (const path of [...names.keys()].filter((path) => isUnder(entry.path, path))) names.delete(path);
        break;
    }
  }
  return { unsynced, names };
}

export const isUnder = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(`${folder}/`);
