// Keeps children from outliving us, even when we are killed with SIGKILL: a small process of its own holds the end of a pipe from us,
// and kills the process groups it was told of when the pipe closes. A parent watch that dies is replaced.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const PARENT_WATCH = fileURLToPath(new URL("./parent-watch-main.js", import.meta.url));

export class ParentWatch {
  private readonly groups = new Set<number>();
  private readonly lock: string | undefined;
  private process: ChildProcess | undefined;

  /** `lock`: folder that the parent watch holds as a lock until all its groups are gone, so that a successor can wait for that. */
  constructor(lock?: string) {
    this.lock = lock;
    this.start();
  }

  /** `pid` leads a process group (it was spawned `detached`). */
  hold(pid: number): void {
    this.groups.add(pid);
    this.tell(`+${pid}\n`);
  }

  letGo(pid: number): void {
    this.groups.delete(pid);
    this.tell(`-${pid}\n`);
  }

  /** Ends the parent watch, and with it every group still held. */
  close(): void {
    const parentWatch = this.process;
    this.process = undefined;
    parentWatch?.stdin?.end();
  }

  private start(): void {
    const parentWatch = spawn(process.execPath, this.lock ? [PARENT_WATCH, this.lock] : [PARENT_WATCH], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.process = parentWatch;
    parentWatch.unref();
    parentWatch.stdin.on("error", () => {}); // it was killed: "exit" below starts another
    (parentWatch.stdin as unknown as { unref(): void }).unref();
    parentWatch.once("exit", () => {
      if (this.process === parentWatch) this.start();
    });
    for (const pid of this.groups) this.tell(`+${pid}\n`);
  }

  private tell(line: string): void {
    this.process?.stdin?.write(line);
  }
}
