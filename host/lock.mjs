// A lock between processes: a folder, because making one is atomic everywhere, with its owner written inside.
// A lock whose owner has died is broken and taken over. Node's own modules only: it runs before anything is installed.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Time given to a new owner to write its name; a folder without one that is older is left over from a kill. */
const NAMELESS_MS = 10_000;
/** An owner on another host (a container that shares the folder) cannot be asked for; it is alive while it touches its file. */
const TOUCH_MS = 10_000;
const UNTOUCHED_MS = 60_000;

/** @typedef {{ pid: number, host: string, processStart: string | null, since: string }} Owner */
/** @typedef {{ owner: Owner, release: () => void }} Lock */

/**
 * Takes the lock, or says who holds it (`null`: somebody who has not written a name yet).
 * @param {string} dir the folder that is the lock; its parent is made where missing
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
 * @param {(heldBy: Owner | null) => void} onWait called at every failed try
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
      clearInterval(touch); // the folder was deleted by hand: nothing left to keep alive
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

/** Two processes that both saw a dead owner must not remove the lock that one of them then takes: hence a lock for breaking. @param {string} dir */
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

/** Infinity where the path is gone: a lock that vanished is not held. @param {string} path */
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
  return processStat(pid)?.[0] !== "Z"; // a zombie has ended; only its parent has not asked yet
}

/** Clock tick at which a process began: tells a pid that was given out again from the first one. Null where there is no /proc. @param {number} pid */
export function processStart(pid) {
  return processStat(pid)?.[19] ?? null;
}

/** Fields of Linux's /proc/PID/stat from the third (state) on; the second, before them, may hold spaces. @param {number} pid */
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
