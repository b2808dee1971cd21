/* oxlint-disable max-lines -- one class: a child from its start to its death */
// Calls a bundled user module in a child process. The child can read only a folder with its own bundle, and
// has only the environment variables of the spec. By Node's permission model it reads no other file, writes
// no file and starts no process, so a reward module cannot read the module of the true reward. The child is
// reused for later calls. It is killed when a call fails, and the next call starts a new one.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { copyFile, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { checkOutput, expectedLength } from "./calls.ts";
import type { ModuleCalls } from "./calls.ts";
import { dyingWithParent, FOLDER, permissions, removeAbandoned } from "./isolation.ts";

export interface ModuleRunnerOptions<R extends ModuleRole> {
  role: R;
  /** The bundle. It is copied, so it may be removed later. */
  blobPath: string;
  /** Limit of one call. For the first call it includes the start of the process. */
  timeoutMs: number;
  /** The module's whole environment: the spec's names with the worker's values. */
  env?: Record<string, string>;
}

export interface ModuleRunner<R extends ModuleRole = ModuleRole> {
  /**
   * One checked answer per row. Calls run one after the other. Throws RatchetError, or the signal's reason
   * when aborted.
   */
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

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
/** Last characters of the module's output that its error shows if it dies. */
const OUTPUT_CHARACTERS = 2000;
/**
 * Failed calls in a row after which a failure is final. The first is retried, because the machine may have
 * slept or killed the process for memory. Timeouts have a lower limit, because each takes the whole time.
 */
const FAILURES_MAX = { module_timeout: 2, module_died: 3 };

class ForkedModule<R extends ModuleRole> implements ModuleRunner<R> {
  private readonly options: ModuleRunnerOptions<R>;
  private folder: Promise<string> | undefined;
  private child: ChildProcess | undefined;
  private printed = "";
  private calls = 0;
  /** Failed calls since the last answer. */
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

  /** Sends one request and waits for its reply, the child's death, the time limit or the signal. */
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
      // `close`, not `exit`, because only then all of its output has arrived.
      const onClose = (code: number | null, name: string | null) =>
        settle(() => reject(this.death(code, name)));
      const onError = (error: Error) => settle(() => reject(error));
      const onAbort = () => settle(() => reject(signal!.reason));
      const timer = setTimeout(() => {
        const limit = `${timeoutMs / 1000} s`;
        const what = (again: string) =>
          ` ${again}did not answer ${expectedLength(input)} rows within ${limit} and was killed`;
        settle(() =>
          reject(
            this.failure("module_timeout", what, `raise the module's timeout if ${limit} is too little`),
          ),
        );
      }, timeoutMs);
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      signal?.addEventListener("abort", onAbort);
      child.send({ call, input } satisfies ChildRequest, (error) => {
        // The row cannot be sent. If the child died instead, `close` reports it.
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
      ...dyingWithParent(permissions([join(folder, "*"), CHILD])),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.child = child;
    this.printed = "";
    const keep = (chunk: Buffer) =>
      (this.printed = (this.printed + chunk.toString()).slice(-OUTPUT_CHARACTERS));
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const gone = () => {
      if (this.child === child) this.child = undefined;
    };
    child.on("exit", gone).on("error", gone);
    return child;
  }

  private async makeFolder(): Promise<string> {
    // The real path, because permissions compare text, and on some systems the temporary folder is a link.
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
      (again) => `'s process ${again}${how}${last ? `; its last output: ${last}` : ""}`,
    );
  }

  /**
   * Retryable until the limit of failures in a row. Then the count restarts, so a campaign that is started
   * again has all tries.
   */
  private failure(
    code: keyof typeof FAILURES_MAX,
    what: (again: string) => string,
    hint?: string,
  ): RatchetError {
    const { role } = this.options;
    const failures = ++this.failures;
    const retryable = failures < FAILURES_MAX[code];
    if (!retryable) this.failures = 0;
    return new RatchetError(code, `the ${role} module${what(failures > 1 ? "again " : "")}`, {
      retryable,
      hint,
    });
  }

  private kill(): void {
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }
}

const moduleFile = (role: ModuleRole): string => `${role}.mjs`;
