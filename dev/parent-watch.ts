// Keeps children from outliving us, even when we are killed with SIGKILL: a small process of its own holds the end of a pipe from us,
// and kills the process groups it was told of when the pipe closes. A leash that dies is replaced.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const LEASH = fileURLToPath(new URL("./leash-main.js", import.meta.url));

export class Leash {
  readonly #groups = new Set<number>();
  readonly #lock: string | undefined;
  #process: ChildProcess | undefined;

  /** `lock`: folder that the leash holds as a lock until all its groups are gone, so that a successor can wait for that. */
  constructor(lock?: string) {
    this.#lock = lock;
    this.#start();
  }

  /** `pid` leads a process group (it was spawned `detached`). */
  hold(pid: number): void {
    this.#groups.add(pid);
    this.#tell(`+${pid}\n`);
  }

  letGo(pid: number): void {
    this.#groups.delete(pid);
    this.#tell(`-${pid}\n`);
  }

  /** Ends the leash, and with it every group still held. */
  close(): void {
    const leash = this.#process;
    this.#process = undefined;
    leash?.stdin?.end();
  }

  #start(): void {
    const leash = spawn(process.execPath, this.#lock ? [LEASH, this.#lock] : [LEASH], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#process = leash;
    leash.unref();
    leash.stdin.on("error", () => {}); // it was killed: "exit" below starts another
    (leash.stdin as unknown as { unref(): void }).unref();
    leash.once("exit", () => {
      if (this.#process === leash) this.#start();
    });
    for (const pid of this.#groups) this.#tell(`+${pid}\n`);
  }

  #tell(line: string): void {
    this.#process?.stdin?.write(line);
  }
}
