// A limit of a process's memory that nothing else holds: V8's own limit covers its heap only.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const LOOK_MS = process.platform === "linux" ? 200 : 1000;

/**
 * Calls `exceeded` once, with the bytes in use. The returned function ends the watch.
 * @param {number} pid @param {number} bytes @param {(used: number) => void} exceeded @returns {() => void}
 */
export function watchMemory(pid, bytes, exceeded) {
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    const used = await residentBytes(pid);
    looking = false;
    if (used <= bytes) return;
    clearInterval(timer);
    exceeded(used);
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/**
 * Of the process and of its children, because some limited processes are children of their launcher.
 * @param {number} pid
 */
async function residentBytes(pid) {
  if (process.platform !== "linux") return residentByPs(pid);
  // Some kernels have no list of children.
  const children = readProc(`${pid}/task/${pid}/children`);
  const pids = [pid, ...children.split(" ").filter(Boolean).map(Number)];
  return pids.reduce((sum, each) => sum + residentByProc(each), 0);
}

/** 0 if the process has ended. @param {number} pid */
function residentByProc(pid) {
  // `statm` counts pages, whose size differs between kernels; `status` counts kB.
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readProc(`${pid}/status`))?.[1] ?? 0) * 1024;
}

/**
 * Empty if the process has ended. A read of /proc never waits for a disk, and a worker reads it many times a
 * second: an asynchronous read needs several times as much processor time.
 * @param {string} path
 */
function readProc(path) {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** 0 if the process has ended, or there is no `ps`. @param {number} pid */
async function residentByPs(pid) {
  const ran = promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  const { stdout } = await ran.catch(() => ({ stdout: "" }));
  return Number(stdout.trim()) * 1024;
}
