// One dev tree as the driver controls it: a supervisor process with a Temporal server and a chaos worker. If
// the driver dies, its parent watch kills them.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ParentWatch } from "../../dev/parent-watch.ts";
import { childrenOf, killGroup, processes, signal } from "./processes.ts";

/** Enough for an error with its stack. */
const LAST_LINES = 20;
const SUPERVISOR = fileURLToPath(new URL("./supervisor.js", import.meta.url));

export interface TreeOptions {
  stateDir: string;
  store: string;
  temporal: string;
  env: NodeJS.ProcessEnv;
  parentWatch: ParentWatch;
  /** Receives the supervisor's stderr, line by line. */
  report(line: string): void;
}

export interface Where {
  address: string;
  namespace: string;
  serverId: string;
}

export class Tree {
  readonly options: TreeOptions;
  private supervisor: ChildProcess | undefined;

  constructor(options: TreeOptions) {
    this.options = options;
  }

  async up(): Promise<Where> {
    const { stateDir, store, temporal, env, parentWatch, report } = this.options;
    const supervisor = spawn(process.execPath, [SUPERVISOR, stateDir, store, temporal], {
      env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.supervisor = supervisor;
    const pid = supervisor.pid as number;
    parentWatch.hold(pid);
    supervisor.once("exit", () => parentWatch.letGo(pid));
    const lines: string[] = [];
    createInterface({ input: supervisor.stderr }).on("line", (line) => {
      lines.push(line);
      report(line);
    });
    // "close" and not "exit": by then all its output has arrived.
    const line = await Promise.race([
      once(createInterface({ input: supervisor.stdout }), "line"),
      once(supervisor, "close").then(() => undefined),
    ]);
    if (!line) {
      const output = lines.slice(-LAST_LINES).join("\n") || "no output";
      throw new Error(`the supervisor of ${stateDir} ended before its tree was up: ${output}`);
    }
    return JSON.parse(line[0] as string) as Where;
  }

  get isUp(): boolean {
    return this.supervisor?.exitCode === null && this.supervisor.signalCode === null;
  }

  /** Stops the tree in order, without a drain. */
  async down(): Promise<void> {
    if (!this.isUp) return;
    const supervisor = this.supervisor as ChildProcess;
    const exited = once(supervisor, "exit");
    for (const pid of [supervisor.pid as number, ...(await this.pids())]) signal(pid, "SIGCONT");
    supervisor.stdin?.end();
    await exited;
  }

  /** SIGKILL for the supervisor and all its descendants, as when a machine dies. */
  async kill(): Promise<void> {
    const all = await this.pids();
    const supervisor = this.supervisor as ChildProcess;
    const exited = once(supervisor, "exit");
    for (const pid of [supervisor.pid as number, ...all]) killGroup(pid);
    await exited;
  }

  /**
   * SIGSTOP for the supervisor and all its descendants, as when a machine sleeps. The returned function wakes
   * them.
   */
  async stop(): Promise<() => void> {
    const all = [this.supervisor?.pid as number, ...(await this.pids())];
    for (const pid of all) signal(pid, "SIGSTOP");
    return () => {
      for (const pid of all) signal(pid, "SIGCONT");
    };
  }

  worker(): Promise<number | undefined> {
    return this.child("chaos/worker.js");
  }

  server(): Promise<number | undefined> {
    return this.child("start-dev");
  }

  private async child(words: string): Promise<number | undefined> {
    return (await childrenOf(this.supervisor?.pid ?? -1, words))[0];
  }

  /** The supervisor's descendants. */
  private async pids(): Promise<number[]> {
    const all = await processes();
    const found = new Set([this.supervisor?.pid as number]);
    // A child may come before its parent in the list: repeat until nothing is added.
    for (let size = 0; size !== found.size;) {
      size = found.size;
      for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
    }
    found.delete(this.supervisor?.pid as number);
    return [...found];
  }
}
