// The server of the page where people label, as the driver controls it. If it dies, it is started again on
// the same port, as its operator would.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ParentWatch } from "../../dev/parent-watch.ts";
import { freePort } from "../../dev/ports.ts";
import { signal } from "./processes.ts";

const PAGE = fileURLToPath(new URL("./page.js", import.meta.url));
const BETWEEN_STARTS_MS = 200;

export interface PageOptions {
  campaignId: string;
  labelers: readonly string[];
  /** Its working folder. */
  folder: string;
  env: NodeJS.ProcessEnv;
  parentWatch: ParentWatch;
}

export class PageServer {
  /** The newest link of each labeler. */
  readonly links = new Map<string, string>();
  private readonly options: PageOptions;
  private port: number | undefined;
  private child: ChildProcess | undefined;
  private wanted = false;

  constructor(options: PageOptions) {
    this.options = options;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its private file holds the key of the tickets. */
  get accessFolder(): string {
    return `${this.options.folder}/.ratchet`;
  }

  async up(): Promise<void> {
    if (this.wanted) return;
    this.port ??= await freePort();
    this.wanted = true;
    mkdirSync(this.options.folder, { recursive: true });
    this.start();
  }

  /** SIGKILL; it stays down. */
  async down(): Promise<void> {
    this.wanted = false;
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    signal(child.pid as number, "SIGKILL");
    await exited;
  }

  private start(): void {
    const { campaignId, labelers, folder, env, parentWatch } = this.options;
    const names = labelers.join(",");
    // A killed server may not have printed its links, and a link works once: each start makes new ones.
    const args = ["label", campaignId, "--labelers", names, "--new-link", names, "--port", String(this.port)];
    const child = spawn(process.execPath, [PAGE, ...args], {
      cwd: folder,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.child = child;
    const pid = child.pid as number;
    parentWatch.hold(pid);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [, labeler, link] = /^(\S+) {2}http\S+#(\S+) /.exec(line) ?? [];
      if (labeler && link) this.links.set(labeler, link);
    });
    child.once("exit", () => {
      parentWatch.letGo(pid);
      void sleep(BETWEEN_STARTS_MS).then(() => {
        if (this.wanted && this.child === child) this.start();
      });
    });
  }
}
