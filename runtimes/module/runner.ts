// Calls a bundled user module in a child process. The child sees one folder with its own blob in it, an environment of the names the
// spec gave, and by Node's permission model no other file, no other process and nothing to write: a reward cannot read gold. It is
// kept between calls; a failed one is killed and the next call starts anew.
import { fork } from "node:child_process";
import type { ChildProcess, ForkOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { checkOutput, expectedLength } from "./calls.ts";
import type { ModuleCalls } from "./calls.ts";

export interface ModuleRunnerOptions<R extends ModuleRole> {
  role: R;
  /** The bundle; copied, so it may go away later. */
  blobPath: string;
  /** Limit of one call, the first one's start of the process included. */
  timeoutMs: number;
  /** The module's whole environment: names of the spec, values from the worker. */
  env?: Record<string, string>;
}

export interface ModuleRunner<R extends ModuleRole = ModuleRole> {
  /** One answer per row, checked. Calls queue: one runs at a time. Throws RatchetError; rejects with the signal's reason when aborted. */
  call(input: ModuleCalls[R]["input"], signal?: AbortSignal): Promise<ModuleCalls[R]["output"]>;
  /** Kills the child and removes its folder. */
  close(): Promise<void>;
}

export interface ChildRequest {
  call: number;
  input: unknown;
}

export interface ChildReply {
  call: number;
  output?: unknown;
  threw?: { message: string; stack?: string; retryable: boolean };
}

export function createModuleRunner<R extends ModuleRole>(options: ModuleRunnerOptions<R>): ModuleRunner<R> {
  return new ForkedModule(options);
}

/** Temporary folders: this, the process id, a random end. */
const FOLDER = "ratchet-module-";
const SETPRIV = "/usr/bin/setpriv";
const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
/** Last characters that the module printed, told when it dies. */
const OUTPUT_KEPT = 2000;
/**
 * Calls in a row that may end without the module's word before it is held to do so for ever. One is excused: a machine that slept through
 * the limit, a process killed for memory. Deaths are quick, a time limit is waited for in full.
 */
const FAILURES_MAX = { module_timeout: 2, module_died: 3 };

class ForkedModule<R extends ModuleRole> implements ModuleRunner<R> {
  private readonly options: ModuleRunnerOptions<R>;
  private folder: Promise<string> | undefined;
  private child: ChildProcess | undefined;
  private printed = "";
  private calls = 0;
  /** In a row, without an answer between. */
  private failures = 0;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(options: ModuleRunnerOptions<R>) {
    this.options = options;
  }

  call(input: ModuleCalls[R]["input"], signal?: AbortSignal): Promise<ModuleCalls[R]["output"]> {
    const result = this.queue.then(async () =>
      checkOutput(this.options.role, input, await this.ask(input, signal)),
    );
    this.queue = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.kill();
    await this.queue;
    this.kill();
    if (this.folder) await rm(await this.folder, { recursive: true, force: true });
  }

  private async ask(input: ModuleCalls[R]["input"], signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    const child = this.child ?? (await this.start());
    signal?.throwIfAborted();
    const reply = await this.exchange(child, input, signal).catch((error: unknown) => {
      this.kill();
      throw error;
    });
    this.failures = 0;
    if (!reply.threw) return reply.output;
    const { message, stack, retryable } = reply.threw;
    throw new RatchetError("module_threw", `the ${this.options.role} module threw: ${message}`, {
      retryable,
      cause: stack,
    });
  }

  /** Sends one request and waits for its reply, the child's death, the time limit or the signal, whichever is first. */
  private exchange(
    child: ChildProcess,
    input: ModuleCalls[R]["input"],
    signal?: AbortSignal,
  ): Promise<ChildReply> {
    const call = ++this.calls;
    const { timeoutMs } = this.options;
    return new Promise<ChildReply>((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        child.off("message", onMessage).off("close", onClose).off("error", onError);
        signal?.removeEventListener("abort", onAbort);
        act();
      };
      const onMessage = (reply: ChildReply) => {
        if (reply?.call === call) settle(() => resolve(reply));
      };
      // `close` and not `exit`: by then everything it printed has arrived.
      const onClose = (code: number | null, name: string | null) =>
        settle(() => reject(this.death(code, name)));
      const onError = (error: Error) => settle(() => reject(error));
      const onAbort = () => settle(() => reject(signal!.reason));
      const timer = setTimeout(() => {
        const limit = `${timeoutMs / 1000} s`;
        const told = (again: string) =>
          ` ${again}did not answer ${expectedLength(input)} rows within ${limit} and was killed`;
        settle(() =>
          reject(
            this.failure("module_timeout", told, `raise the module's timeout if ${limit} is too little`),
          ),
        );
      }, timeoutMs);
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      signal?.addEventListener("abort", onAbort);
      child.send({ call, input } satisfies ChildRequest, (error) => {
        // A row that cannot be sent is our caller's mistake; a child that died meanwhile says so itself by `close`.
        if (error && child.connected) settle(() => reject(error));
      });
    });
  }

  private async start(): Promise<ChildProcess> {
    const folder = await (this.folder ??= this.makeFolder());
    const { role, env = {} } = this.options;
    if (this.closed)
      throw new RatchetError("module_died", `the ${role} module was closed`, { retryable: true });
    const child = fork(CHILD, [pathToFileURL(join(folder, moduleFile(role))).href], {
      cwd: folder,
      env,
      serialization: "advanced",
      ...leashed(permissions([join(folder, "*"), CHILD])),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.child = child;
    this.printed = "";
    const keep = (chunk: Buffer) => (this.printed = (this.printed + chunk.toString()).slice(-OUTPUT_KEPT));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const gone = () => {
      if (this.child === child) this.child = undefined;
    };
    child.on("exit", gone).on("error", gone);
    return child;
  }

  private async makeFolder(): Promise<string> {
    // The real path: permissions compare text, and a temporary folder is a link on some systems.
    const parent = await realpath(tmpdir());
    await removeAbandoned(parent);
    const folder = await mkdtemp(join(parent, `${FOLDER}${process.pid}-`));
    await copyFile(this.options.blobPath, join(folder, moduleFile(this.options.role)));
    return folder;
  }

  private death(code: number | null, signal: string | null): RatchetError {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
    const last = this.printed.trim();
    return this.failure(
      "module_died",
      (again) => `'s process ${again}${how}${last ? `; it printed last: ${last}` : ""}`,
    );
  }

  /** Worth another try until it has had its tries; the campaign that is started again after that has them all again. */
  private failure(
    code: keyof typeof FAILURES_MAX,
    told: (again: string) => string,
    hint?: string,
  ): RatchetError {
    const { role } = this.options;
    const failures = ++this.failures;
    const retryable = failures < FAILURES_MAX[code];
    if (!retryable) this.failures = 0;
    return new RatchetError(code, `the ${role} module${told(failures > 1 ? "again " : "")}`, {
      retryable,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  private kill(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }
}

/**
 * A worker killed by SIGKILL cannot take its children along, and a module in an endless loop never hears of it: on Linux the kernel
 * sees to it (prctl PR_SET_PDEATHSIG), asked by setpriv of util-linux. A thread that watches inside the child is no way: threads are
 * outside Node's permission model.
 */
function leashed(execArgv: string[]): Pick<ForkOptions, "execPath" | "execArgv"> {
  if (!existsSync(SETPRIV)) return { execArgv };
  return { execPath: SETPRIV, execArgv: ["--pdeathsig", "KILL", process.execPath, ...execArgv] };
}

/** A worker killed by SIGKILL leaves its modules' folders behind; the next one on the machine removes them. */
async function removeAbandoned(parent: string): Promise<void> {
  const abandoned = (await readdir(parent)).filter(
    (name) => name.startsWith(FOLDER) && !isAlive(Number(name.slice(FOLDER.length).split("-")[0])),
  );
  await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: alive, of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const moduleFile = (role: ModuleRole): string => `${role}.mjs`;

/** Node 20 calls the permission model experimental; newer ones may close the network too, which a judge needs. */
function permissions(readable: string[]): string[] {
  const known = process.allowedNodeEnvironmentFlags;
  return [
    known.has("--permission") ? "--permission" : "--experimental-permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(known.has("--allow-net") ? ["--allow-net"] : []),
    "--disable-warning=ExperimentalWarning",
  ];
}
