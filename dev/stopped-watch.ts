// Notices a child that SIGSTOP has stopped. It neither works nor ends, so nothing else would restart it.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

const LOOK_MS = 1000;
/** Looks in a row, not seconds: while this process or the machine sleeps, nobody looks. */
const LOOKS_TO_REPORT = 5;
const LOOKS_TO_CONTINUE = 60;

interface Watched {
  readonly title: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
}

/** The returned function ends the watch. */
export function watchStopped(
  children: readonly Watched[],
  report: (line: string) => void,
  lookMs = LOOK_MS,
): () => void {
  const looks = new Map<number, number>();
  let looking = false;
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    void Promise.all(children.map((child) => look(child, looks, report))).then(() => (looking = false));
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}

async function look(
  { title, pid }: Watched,
  looks: Map<number, number>,
  report: (line: string) => void,
): Promise<void> {
  if (pid === undefined) return;
  if (!(await isStopped(pid))) return void looks.delete(pid);
  const count = (looks.get(pid) ?? 0) + 1;
  looks.set(pid, count);
  if (count === LOOKS_TO_REPORT)
    report(
      `the ${title} (pid ${pid}) is stopped by SIGSTOP and does nothing; kill -CONT ${pid} continues it, ` +
        `and ratchet does so after ${LOOKS_TO_CONTINUE} s`,
    );
  if (count < LOOKS_TO_CONTINUE) return;
  looks.delete(pid);
  report(`continuing the stopped ${title} (pid ${pid})`);
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // it has ended
  }
}

/** State `T`. A process that a debugger holds has `t`. False if it has ended. */
async function isStopped(pid: number): Promise<boolean> {
  try {
    if (process.platform === "linux")
      return /^\d+ \(.*\) T /s.test(await readFile(`/proc/${pid}/stat`, "utf8"));
    const { stdout } = await promisify(execFile)("ps", ["-o", "stat=", "-p", String(pid)]);
    return stdout.startsWith("T");
  } catch {
    return false;
  }
}
