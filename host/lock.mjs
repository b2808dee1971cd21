// A lock between processes: a folder, because mkdir is atomic on every file system, with a file that names
// its owner. The lock of a dead owner is taken over. Only Node's own modules, because set-up uses it before
// packages are installed.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A new owner writes its file within this; an older folder without one is left from a kill. */
const NAMELESS_MS = 10_000;
/** The pid of an owner on another host (or container) means nothing here, so every owner touches its file. */
const TOUCH_MS = 10_000;
const UNTOUCHED_MS = 60_000;

/** @typedef {{ pid: number, host: string, processStart: string | null, since: string }} Owner */
/** @typedef {{ owner: Owner, release: () => void }} Lock */

/**
 * Takes the lock, or returns its holder (`null`: the holder has not written its file yet).
 * @param {string} dir the folder that is the lock; its parent is created if missing
 * @returns {{ lock: Lock } | { heldBy: Owner | null }}
 */
export function tryLock(dir) {
  mkdirSync(dirname(dir), { recursive: true });
  for (let attempt = 0; attempt < 3; attempt++) {
    const lock = create(dir);
    if (lock) return { lock };
    const owner = readOwner(dir);
    if (isHeld(dir, owner)) return { heldBy: owner };
    breakStale(dir);
  }
  return { heldBy: readOwner(dir) };
}

/**
 * Waits for the lock, asking every 500 ms.
 * @param {string} dir
 * @param {(heldBy: Owner | null) => void} onWait called after every failed attempt
 * @returns {Promise<Lock>}
 */
export async function waitForLock(dir, onWait = () => {}) {
  for (;;) {
    const taken = tryLock(dir);
    if ("lock" in taken) return taken.lock;
    onWait(taken.heldBy);
    await sleep(500);
  }
}

/**
 * The owner of a lock that is held now.
 * @param {string} dir
 * @returns {Owner | undefined}
 */
export function lockOwner(dir) {
  const owner = readOwner(dir);
  return owner && isHeld(dir, owner) ? owner : undefined;
}

/** @param {string} dir @returns {Lock | undefined} */
function create(dir) {
  try {
    mkdirSync(dir);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return undefined;
    throw error;
  }
  /** @type {Owner} */
  const owner = {
    pid: process.pid,
    host: hostname(),
    processStart: processStart(process.pid),
    since: new Date().toISOString(),
  };
  const file = join(dir, "owner.json");
  writeFileSync(`${file}.new`, JSON.stringify(owner));
  renameSync(`${file}.new`, file);

  const touch = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch {
      clearInterval(touch); // the folder was deleted by hand
    }
  }, TOUCH_MS);
  touch.unref();

  const release = () => {
    clearInterval(touch);
    process.off("exit", release);
    rmSync(dir, { recursive: true, force: true });
  };
  process.on("exit", release);
  return { owner, release };
}

/** @param {string} dir @param {Owner | null} owner */
function isHeld(dir, owner) {
  if (!owner) return ageMs(dir) < NAMELESS_MS;
  if (owner.host !== hostname()) return ageMs(join(dir, "owner.json")) < UNTOUCHED_MS;
  return isRunning(owner.pid) && processStart(owner.pid) === owner.processStart;
}

/**
 * Removes the lock of a dead owner, under a second lock: of two processes that saw the dead owner, the slower
 * one must not remove the lock that the faster one has just taken.
 * @param {string} dir
 */
function breakStale(dir) {
  const breaker = `${dir}.break`;
  try {
    mkdirSync(breaker);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    if (ageMs(breaker) > NAMELESS_MS) rmSync(breaker, { recursive: true, force: true });
    return;
  }
  try {
    if (!isHeld(dir, readOwner(dir))) rmSync(dir, { recursive: true, force: true });
  } finally {
    rmSync(breaker, { recursive: true, force: true });
  }
}

/** @param {string} dir @returns {Owner | null} */
function readOwner(dir) {
  try {
    return JSON.parse(readFileSync(join(dir, "owner.json"), "utf8"));
  } catch {
    return null;
  }
}

/** Infinity if the path is gone: a lock that vanished is not held. @param {string} path */
function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** @param {number} pid */
export function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
  return processStat(pid)?.[0] !== "Z"; // a zombie has ended; its parent has not read its exit code yet
}

/**
 * Clock tick at which a process began, to recognize a reused pid. Null without /proc.
 * @param {number} pid
 */
export function processStart(pid) {
  return processStat(pid)?.[19] ?? null;
}

/**
 * Fields of Linux's /proc/PID/stat from the third (state) on; the second is the name in brackets, which may
 * hold spaces.
 * @param {number} pid
 */
function processStat(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
