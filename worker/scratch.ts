// A scratch folder for each worker process, for unfinished files. The folder is a lock: when a worker starts,
// it removes the folders of killed processes and keeps those of living workers on the same machine.
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../host/lock.mjs";

export interface Scratch {
  dir: string;
  /** Deletes it; the exit of the process does so too. */
  release(): void;
}

export function openScratch(parent: string): Scratch {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) removeIfOrphaned(join(parent, name));
  const dir = join(parent, randomUUID());
  const taken = tryLock(dir);
  if (!("lock" in taken)) throw new Error(`${dir} was just taken by another process`);
  return { dir, release: taken.lock.release };
}

/** tryLock takes over the lock of a dead process and empties it. */
function removeIfOrphaned(dir: string): void {
  const taken = tryLock(dir);
  if ("lock" in taken) taken.lock.release();
}
