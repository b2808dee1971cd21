// The memory of a module's process: its limit, and a watch that reads how much it uses. V8's own limit covers
// its heap only.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { RatchetError } from "../../errors/index.ts";

const DEFAULT_BYTES = 2 * 2 ** 30;
/** Node itself needs about 60 MB. */
const LEAST_BYTES = 128 * 2 ** 20;
const VARIABLE = "RATCHET_MODULE_BYTES";
const LOOK_MS = process.platform === "linux" ? 200 : 1000;
const PAGE_BYTES = 4096;

/** Most bytes of one module's process. */
export function moduleBytes(env: NodeJS.ProcessEnv = process.env): number {
  const written = env[VARIABLE];
  if (written === undefined || written === "") return DEFAULT_BYTES;
  const bytes = Number(written);
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_BYTES) return bytes;
  throw new RatchetError(
    "env_invalid",
    `${VARIABLE} is ${written}, not a whole number of bytes of at least ${LEAST_BYTES}`,
  );
}

export const memoryHint = (bytes: number): string =>
  `if it needs more memory, raise ${VARIABLE} of the worker (now ${megabytes(bytes)})`;

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;

/** Calls `exceeded` once, with the bytes in use. The returned function ends the watch. */
export function watchMemory(pid: number, bytes: number, exceeded: (used: number) => void): () => void {
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void residentBytes(pid).then((used) => {
      looking = false;
      if (used <= bytes) return;
      clearInterval(timer);
      exceeded(used);
    });
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Of the process and of its children, one of which is the module if there are namespaces. 0 if it ended. */
async function residentBytes(pid: number): Promise<number> {
  try {
    if (process.platform !== "linux") return await residentByPs(pid);
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    const pids = [pid, ...children.split(" ").filter(Boolean)];
    const used = await Promise.all(pids.map((each) => readFile(`/proc/${each}/statm`, "utf8")));
    return used.reduce((sum, text) => sum + Number(text.split(" ")[1]) * PAGE_BYTES, 0);
  } catch {
    return 0;
  }
}

async function residentByPs(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout.trim()) * 1024;
}
