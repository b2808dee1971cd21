// A runner does a row's work: Ratchet or a peer, as one long-lived process driven by JSON lines, or as a
// fresh process per sample.
import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Sample, Started, Work } from "./work.ts";

export interface Runner {
  readonly name: string;
  /** A new process for every sample. */
  readonly fresh: boolean;
  /** Loads the work. */
  start(work: Work): Promise<Started>;
  /** trial: only for comparing variants; some works then do only a part. */
  sample(variant: string, options?: { trial: boolean }): Promise<Sample>;
  close(): void;
}

/** A failure of one row; its message is printed, and the other rows continue. */
export class BenchError extends Error {
  override name = "BenchError";
}

export interface Command {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** File for its stderr. */
  log: string;
}

/** Longer than any row takes. A runner that exceeds it fails its row. */
const TIMEOUT_MS = 15 * 60_000;
/** Lines of the log in an error message. */
const LOG_LINES = 8;

const running = new Set<ChildProcessByStdio<Writable, Readable, null>>();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function launch({ command, args, env, log }: Command): ChildProcessByStdio<Writable, Readable, null> {
  mkdirSync(dirname(log), { recursive: true });
  const stderr = openSync(log, "w");
  const child = spawn(command, args, { env, stdio: ["pipe", "pipe", stderr] }) as ChildProcessByStdio<
    Writable,
    Readable,
    null
  >;
  closeSync(stderr);
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

const lastLines = (log: string): string =>
  readFileSync(log, "utf8").trimEnd().split("\n").slice(-LOG_LINES).join("\n");

/** The next line of a child's stdout. Fails if the child exits or times out. */
function nextLine(
  child: ChildProcessByStdio<Writable, Readable, null>,
  name: string,
  log: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      lines.close();
      child.off("close", onClose).off("error", onError);
      act();
    };
    const onClose = (code: number | null, signal: string | null): void =>
      settle(() =>
        reject(new BenchError(`${name} ended (${signal ?? `exit code ${code}`}): ${lastLines(log)}`)),
      );
    const onError = (error: Error): void =>
      settle(() => reject(new BenchError(`${name} could not be started: ${error.message}`)));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      settle(() => reject(new BenchError(`${name} gave no answer within ${TIMEOUT_MS / 60_000} minutes`)));
    }, TIMEOUT_MS);
    lines.once("line", (line) => settle(() => resolve(line)));
    child.once("close", onClose).once("error", onError);
  });
}

/** A process that stays alive from row to row, so that it loads its libraries once. */
export class Served implements Runner {
  readonly name: string;
  readonly fresh = false;
  private readonly command: Command;
  private child: ChildProcessByStdio<Writable, Readable, null> | undefined;

  constructor(name: string, command: Command) {
    this.name = name;
    this.command = command;
  }

  start(work: Work): Promise<Started> {
    return this.ask({ call: "start", work });
  }

  sample(variant: string, { trial } = { trial: false }): Promise<Sample> {
    return this.ask({ call: "sample", variant, trial });
  }

  close(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }

  private async ask<T>(request: object): Promise<T> {
    const child = (this.child ??= launch(this.command));
    const answered = nextLine(child, this.name, this.command.log);
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const reply = JSON.parse(
      await answered.catch((error: unknown) => {
        this.child = undefined;
        throw error;
      }),
    ) as { result: T } | { error: string };
    if ("error" in reply) throw new BenchError(`${this.name}: ${reply.error}`);
    return reply.result;
  }
}

/** Output of a script that does the whole work once. */
type Printed = { facts: number[] } & Omit<Partial<Sample>, "seconds">;

/** A process for every sample, timed from its start to its end. */
export class Fresh implements Runner {
  readonly name: string;
  readonly fresh = true;
  private readonly commandOf: (variant: string) => Command;
  private readonly variants: string[];
  private readonly writeWork: (work: Work) => Promise<void>;
  /** The run that gave the facts; it counts as the first sample of its variant. */
  private first: Sample | undefined;

  /** commandOf: a command that reads the file of writeWork. */
  constructor(
    name: string,
    variants: string[],
    writeWork: (work: Work) => Promise<void>,
    commandOf: (variant: string) => Command,
  ) {
    this.name = name;
    this.variants = variants;
    this.writeWork = writeWork;
    this.commandOf = commandOf;
  }

  async start(work: Work): Promise<Started> {
    await this.writeWork(work);
    const { facts, ...sample } = await this.once(this.variants[0]!);
    this.first = sample;
    return { facts, variants: this.variants };
  }

  async sample(variant: string): Promise<Sample> {
    const first = variant === this.variants[0] ? this.first : undefined;
    this.first = undefined;
    return first ?? this.once(variant);
  }

  close(): void {}

  private async once(variant: string): Promise<Printed & Sample> {
    const command = this.commandOf(variant);
    const began = performance.now();
    const child = launch(command);
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const printed = JSON.parse(await nextLine(child, this.name, command.log)) as Printed;
    await closed;
    return { amount: 1, ...printed, seconds: (performance.now() - began) / 1000 };
  }
}
