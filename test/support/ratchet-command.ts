// Runs `ratchet` as a process in a new folder, without the user's own settings.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SHOP_DIR } from "./small-shop.ts";
import type { TestNamespace } from "./temporal.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

export interface Ran {
  exit: number | null;
  stdout: string;
  stderr: string;
  ms: number;
}

/** A command that has not ended. */
export interface Running {
  child: ChildProcess;
  /** Resolves when stderr has the text; rejects if the command ends without it. */
  says(text: RegExp): Promise<void>;
  ended: Promise<Ran>;
}

export class Workplace {
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  private readonly children = new Set<ChildProcess>();

  private constructor(dir: string, env: NodeJS.ProcessEnv) {
    this.dir = dir;
    const own = Object.entries(process.env).filter(([name]) => !/^(TEMPORAL|RATCHET|NODE_TEST)_/.test(name));
    this.env = {
      ...Object.fromEntries(own),
      HOME: dir,
      XDG_CONFIG_HOME: join(dir, "config"),
      NO_COLOR: "1",
      ...env,
    };
  }

  static async open(env: NodeJS.ProcessEnv = {}): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), "ratchet-cli-")), env);
  }

  /** With a store in the folder, on a namespace of the test server. */
  static openOn({ address, namespace }: TestNamespace): Promise<Workplace> {
    return Workplace.open({
      RATCHET_STORE: "dir:store",
      RATCHET_CHILDREN: "1",
      RATCHET_THREADS: "1",
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    });
  }

  /**
   * Writes a spec of the shop into the folder; returns its name. The paths of the shop's modules become
   * absolute.
   */
  async writeSpec(name: string, spec: object): Promise<string> {
    const absolute = (_key: string, value: unknown): unknown =>
      typeof value === "string" && value.startsWith("./") ? join(SHOP_DIR, value) : value;
    const path = join(this.dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(spec, absolute, 2));
    return name;
  }

  /** Starts a command that keeps running, such as `worker`; `close` ends it. */
  start(args: string[]): ChildProcess {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: this.dir,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.children.add(child);
    child.once("exit", () => this.children.delete(child));
    return child;
  }

  run(...args: string[]): Promise<Ran> {
    return this.running(...args).ended;
  }

  running(...args: string[]): Running {
    const startedAt = Date.now();
    const child = this.start(args);
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const ended = new Promise<Ran>((resolve, reject) =>
      child
        .once("error", reject)
        .once("close", (exit) =>
          resolve({ exit, stdout: stdout.text, stderr: stderr.text, ms: Date.now() - startedAt }),
        ),
    );
    const says = (text: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => void (text.test(stderr.text) && resolve());
        child.stderr?.on("data", look);
        child.once("close", () => reject(new Error(`ended without ${text}: ${stderr.text}`)));
        look();
      });
    return { child, says, ended };
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.children].map(
        (child) => new Promise((resolve) => child.once("exit", resolve).kill("SIGTERM")),
      ),
    );
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Collects the text of a stream. */
export function collect(stream: NodeJS.ReadableStream | null): { text: string } {
  const collected = { text: "" };
  stream?.setEncoding("utf8").on("data", (chunk: string) => (collected.text += chunk));
  return collected;
}
