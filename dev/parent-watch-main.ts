// The process of parent-watch.ts. It reads `+pid` and `-pid` lines. When its input ends, it sends SIGTERM to
// every process group still held, and SIGKILL 4 s later. It ignores the terminal's signals.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { waitForLock } from "../host/lock.mjs";
import { ignoreDebuggerSignal } from "../host/no-debugger.mjs";

const GRACE_MS = 4000;
const groups = new Set<number>();
const lockFolder = process.argv[2];
const lock = lockFolder === undefined ? undefined : waitForLock(lockFolder);

for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => {});
ignoreDebuggerSignal();

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) groups.add(pid);
  else groups.delete(pid);
}

signalAll("SIGTERM");
for (const deadline = Date.now() + GRACE_MS; groups.size > 0 && Date.now() < deadline;) {
  await sleep(50);
  signalAll(0);
}
signalAll("SIGKILL");
(await lock)?.release();

/** Also forgets groups that have ended. */
function signalAll(signal: NodeJS.Signals | 0): void {
  for (const pid of groups) {
    try {
      process.kill(-pid, signal);
    } catch {
      groups.delete(pid);
    }
  }
}
