// Lists and signals processes. Uses `ps`, because /proc does not exist on macOS.
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

export interface ProcessLine {
  pid: number;
  parent: number;
  /** First letter of the state: T = stopped, Z = has ended. */
  state: string;
  command: string;
}

export async function processes(): Promise<ProcessLine[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-ww", "-o", "pid=,ppid=,stat=,args="], {
    maxBuffer: 16 * 1024 ** 2,
  });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(.*)$/.exec(line) ?? [];
    return pid
      ? [{ pid: Number(pid), parent: Number(parent), state: state as string, command: command as string }]
      : [];
  });
}

/** Living children of a process whose command line contains `words`. */
export async function childrenOf(parent: number, words: string): Promise<number[]> {
  return (await processes())
    .filter((line) => line.parent === parent && line.state !== "Z" && line.command.includes(words))
    .map(({ pid }) => pid);
}

export async function isStopped(pid: number): Promise<boolean> {
  return (await processes()).some((line) => line.pid === pid && line.state === "T");
}

/** False when the process no longer exists. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** SIGKILL for the process group led by `pid`, and for `pid`. */
export function killGroup(pid: number): boolean {
  signal(-pid, "SIGKILL");
  return signal(pid, "SIGKILL");
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 600_000,
): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await holds()); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`no ${what} within ${timeoutMs / 1000} s`);
  }
}
