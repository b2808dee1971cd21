// A folder of its own for what each worker process has in the making. The folder is a lock, so that a worker which starts can tell the one of a
// process that was killed, which nobody else removes, from that of a neighbour on the same machine.
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { tryLock } from "../host/lock.mjs";

export interface Scratch {
  dir: string;
  /** Removes it; so does the end of the process. */
  release(): void;
}

export function openScratch(parent: string): Scratch {
  mkdirSync(parent, { recursive: true });
  for (const name of readdirSync(parent)) removeIfOrphaned(join(parent, name));
  const dir = join(parent, randomUUID());
  const taken = tryLock(dir);
  if (!("lock" in taken)) throw new Error(`${dir} was taken by another process within a moment`);
  return { dir, release: taken.lock.release };
}

/** Taking the lock of a dead process removes what was in it. */
function removeIfOrphaned(dir: string): void {
  const taken = tryLock(dir);
  if ("lock" in taken) taken.lock.release();
}
