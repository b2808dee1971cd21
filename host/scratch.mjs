// Scratch folders of a process, for unfinished files. The folder is a lock: when a process opens one, it
// removes the folders of killed processes in the same place and keeps those of living ones.
import { randomUUID } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryLock } from "./lock.mjs";

/** @typedef {{ dir: string, release: () => void }} Scratch `release` deletes the folder */

/** Beginning of the names in the temporary folder, which other programs use too. */
const PREFIX = "ratchet-scratch-";

/**
 * Opens a folder that is deleted by `release` and by the end of the process. A signal that nobody listens to
 * ends a process without deleting it; the next process does.
 * @param {string} [parent] holds nothing but scratch folders; without it, the system's temporary folder
 * @returns {Scratch}
 */
export function openScratch(parent) {
  const folder = parent ?? tmpdir();
  const prefix = parent === undefined ? PREFIX : "";
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder))
    if (name.startsWith(prefix)) removeIfOrphaned(join(folder, name), parent === undefined);
  const dir = join(folder, `${prefix}${randomUUID()}`);
  const taken = tryLock(dir);
  if (!("lock" in taken)) throw new Error(`${dir} was just taken by another process`);
  chmodSync(dir, 0o700);
  return { dir, release: taken.lock.release };
}

/**
 * tryLock takes over the lock of a dead process and empties it.
 * @param {string} dir @param {boolean} shared the folder around it belongs to other users too
 */
function removeIfOrphaned(dir, shared) {
  if (shared && !isOwnFolder(dir)) return;
  try {
    const taken = tryLock(dir);
    if ("lock" in taken) taken.lock.release();
  } catch (error) {
    // Another process removes the same orphan.
    if (!shared) throw error;
  }
}

/** @param {string} dir */
function isOwnFolder(dir) {
  const found = lstatSync(dir, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (process.getuid === undefined || found.uid === process.getuid());
}
