// One process of a module, seen from the worker: its start, one exchange at a time, its end.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Duplex } from "node:stream";
import { watchMemory } from "../../host/memory-watch.mjs";
import { containment, launch } from "./containment.ts";
import { framed, MessageReader } from "./frames.ts";
import { megabytes, moduleBytes } from "./memory.ts";
import { READY, replyTo } from "./protocol.ts";
import type { ChildReply, ChildRequest, Start } from "./protocol.ts";

/** Last characters of the module's output that its error shows if it dies. */
const OUTPUT_CHARACTERS = 2000;

export interface ProcessOptions {
  folder: string;
  /** Name of the bundle in the folder. */
  file: string;
  env: Record<string, string>;
  network: boolean;
}

/** How an exchange ended without a reply: the process ended, or it wrote something else. */
export type Failure = { died: string; perhapsMemory: boolean } | { wrote: string } | { error: Error };

interface Exchange {
  call: number;
  settle: (outcome: { reply: ChildReply } | Failure) => void;
}

export class ModuleProcess {
  private readonly child: ChildProcess;
  private readonly channel: Duplex;
  private readonly reader = new MessageReader();
  private readonly unwatch: () => void;
  private exchange: Exchange | undefined;
  private printed = "";
  private overUse: string | undefined;
  private calls = 0;
  private nowReady: () => void = () => undefined;
  /** Resolves when the module can be loaded; never if the process ends before. */
  readonly ready = new Promise<void>((resolve) => (this.nowReady = resolve));
  /** Set when the process has ended, or has to. */
  ended = false;

  static async start({ folder, file, env, network }: ProcessOptions): Promise<ModuleProcess> {
    const bytes = moduleBytes();
    const { command, args, env: own } = launch(await containment(), { folder, network, bytes });
    const started = new ModuleProcess(
      spawn(command, args, { cwd: folder, env: own, stdio: ["ignore", "pipe", "pipe", "pipe"] }),
      bytes,
    );
    const url = pathToFileURL(join(folder, file)).href;
    started.channel.write(framed({ url, env, network } satisfies Start));
    return started;
  }

  /** `child`: has a channel at descriptor 3. */
  constructor(child: ChildProcess, bytes: number) {
    this.child = child;
    this.channel = child.stdio[3] as Duplex;
    this.listen();
    this.unwatch = watchMemory(child.pid ?? 0, bytes, (used) => {
      this.overUse = `used ${megabytes(used)} of memory and was killed`;
      this.kill();
    });
  }

  /** Never rejects. One at a time. */
  ask(input: unknown): Promise<{ reply: ChildReply } | Failure> {
    const call = ++this.calls;
    return new Promise((resolve) => {
      this.exchange = { call, settle: resolve };
      try {
        this.channel.write(framed({ call, input } satisfies ChildRequest));
      } catch (error) {
        this.settle({ error: error as Error });
      }
    });
  }

  kill(): void {
    this.ended = true;
    this.child.kill("SIGKILL");
  }

  private listen(): void {
    const keep = (chunk: Buffer): void => {
      this.printed = (this.printed + chunk.toString()).slice(-OUTPUT_CHARACTERS);
    };
    this.child.stdout?.on("data", keep);
    this.child.stderr?.on("data", keep);
    this.channel.on("data", (chunk: Buffer) => this.read(chunk));
    // The process has closed its end: `close` tells how it ended.
    this.channel.on("error", () => undefined);
    this.child.on("error", (error) => this.end({ error }));
    // `close`, not `exit`, because only then all of its output has arrived.
    this.child.on("exit", () => (this.ended = true));
    this.child.on("close", (code, signal) => this.end(this.death(code, signal)));
  }

  private read(chunk: Buffer): void {
    try {
      for (const message of this.reader.push(chunk)) {
        if (message === READY) {
          this.nowReady();
          continue;
        }
        const reply = this.exchange && replyTo(this.exchange.call, message);
        if (!reply) throw new Error(`the message ${JSON.stringify(message)?.slice(0, 80)}`);
        this.settle({ reply });
      }
    } catch (error) {
      // Nothing that follows can be trusted to start where a message starts.
      this.channel.removeAllListeners("data").destroy();
      this.kill();
      this.settle({ wrote: (error as Error).message });
    }
  }

  private death(code: number | null, signal: string | null): Failure {
    const how = this.overUse ?? (signal ? `was killed by ${signal}` : `ended with exit code ${code}`);
    const last = this.printed.trim();
    // Node ends itself by a signal if an allocation of its own fails, often without a word.
    const perhapsMemory = this.overUse !== undefined || signal !== null || /out of memory/i.test(last);
    return { died: `${how}${last ? `; its last output: ${last}` : ""}`, perhapsMemory };
  }

  private end(failure: Failure): void {
    this.ended = true;
    this.unwatch();
    this.settle(failure);
  }

  private settle(outcome: { reply: ChildReply } | Failure): void {
    const exchange = this.exchange;
    this.exchange = undefined;
    exchange?.settle(outcome);
  }
}
