// Ends the children of this process when it ends, even by SIGKILL. A small process reads a pipe from this
// one, and ends the held process groups when the pipe closes. It is restarted if it ends.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./parent-watch-main.js", import.meta.url));

export class ParentWatch {
  private readonly groups = new Set<number>();
  private readonly lock: string | undefined;
  private process: ChildProcess | undefined;

  /**
   * `lock`: folder that the watch holds as a lock until its groups have ended, so that a successor can wait
   * for that.
   */
  constructor(lock?: string) {
    this.lock = lock;
    this.start();
  }

  /** `pid`: leader of a process group (spawned `detached`). */
  hold(pid: number): void {
    this.groups.add(pid);
    this.send(`+${pid}\n`);
  }

  letGo(pid: number): void {
    this.groups.delete(pid);
    this.send(`-${pid}\n`);
  }

  /** Ends the watch and every group still held. */
  close(): void {
    const watch = this.process;
    this.process = undefined;
    watch?.stdin?.end();
  }

  private start(): void {
    const args = this.lock === undefined ? [SCRIPT] : [SCRIPT, this.lock];
    const watch = spawn(process.execPath, args, { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.process = watch;
    watch.unref();
    watch.stdin.on("error", () => {}); // the watch was killed: "exit" below restarts it
    (watch.stdin as unknown as { unref(): void }).unref();
    watch.once("exit", () => {
      if (this.process === watch) this.start();
    });
    for (const pid of this.groups) this.send(`+${pid}\n`);
  }

  private send(line: string): void {
    this.process?.stdin?.write(line);
  }
}
