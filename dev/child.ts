// A supervised child process. If it ends by itself, it is restarted: at once after a healthy run, else after
// growing pauses.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import type { ParentWatch } from "./parent-watch.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A run of this length was healthy: no pause before the restart. A child that cannot work ends sooner. */
const HEALTHY_MS = 5_000;

export interface ChildOptions {
  /** For messages: `Temporal server`, `worker`. */
  title: string;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** stdout and stderr are appended to it. */
  logFile: string;
  parentWatch: ParentWatch;
  report: (line: string) => void;
}

export class Child {
  private readonly options: ChildOptions;
  private process: ChildProcess | undefined;
  private restart: NodeJS.Timeout | undefined;
  private pauseMs = FIRST_PAUSE_MS;
  private stopping = false;
  private exitCount = 0;

  constructor(options: ChildOptions) {
    this.options = options;
    this.start();
  }

  get title(): string {
    return this.options.title;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** How often the child ended by itself. */
  get exits(): number {
    return this.exitCount;
  }

  /** SIGTERM, and SIGKILL for its process group after `graceMs`. A second call may shorten that. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    const child = this.process;
    if (!child) return;
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const kill = setTimeout(() => killGroup(child), graceMs);
    await exited;
    clearTimeout(kill);
  }

  private start(): void {
    const { command, args, env, logFile, parentWatch } = this.options;
    const log = openSync(logFile, "a");
    // In a process group of its own, so that Ctrl-C reaches only this process, which ends its children in
    // order.
    const child = spawn(command, args, { env, detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    const startedAt = Date.now();
    this.process = child;
    const { pid } = child;
    if (pid !== undefined) parentWatch.hold(pid);
    child.once("error", (error) => this.ended(startedAt, error.message));
    child.once("exit", (code, signal) => {
      killGroup(child); // its own children
      if (pid !== undefined) parentWatch.letGo(pid);
      this.ended(startedAt, signal ? `ended by ${signal}` : `ended with exit code ${code}`);
    });
  }

  private ended(startedAt: number, how: string): void {
    this.process = undefined;
    if (this.stopping) return;
    this.exitCount++;
    if (Date.now() - startedAt >= HEALTHY_MS) this.pauseMs = 0;
    const { title, logFile, report } = this.options;
    const when = this.pauseMs === 0 ? "" : ` in ${this.pauseMs / 1000} s`;
    report(`${title} ${how}; starting it again${when} (log: ${logFile})`);
    this.restart = setTimeout(() => this.start(), this.pauseMs);
    this.pauseMs = Math.max(FIRST_PAUSE_MS, Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS));
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // the group has ended
  }
}

/** Last lines of a log, for error messages. */
export function logTail(path: string, lines = 5): string {
  if (!existsSync(path)) return "";
  return readFileSync(path, "utf8").trim().split("\n").slice(-lines).join("\n");
}
