// Calls a bundled user module in a contained child process. The child can read only a folder with its own
// bundle, and has only the environment variables of the spec. It reads no other file, writes no file and
// starts no process, so a reward module cannot read the module of the true reward. The child is reused for
// later calls. It is killed when a call fails, and the next call starts a new one.
import { rm } from "node:fs/promises";
import { RatchetError } from "../../errors/index.ts";
import type { ModuleRole } from "../../campaign/spec/modules.ts";
import { checkOutput, expectedLength, refuseUnsendable } from "./calls.ts";
import type { ModuleCalls } from "./calls.ts";
import { makeFolder } from "./folders.ts";
import { memoryHint, moduleBytes } from "./memory.ts";
import { ModuleProcess } from "./module-process.ts";
import type { Failure } from "./module-process.ts";
import type { ChildReply } from "./protocol.ts";

export interface ModuleRunnerOptions<R extends ModuleRole> {
  role: R;
  /** The bundle. It is copied, so it may be removed later. */
  blobPath: string;
  /** Limit of one call. For the first call it includes the load of the module. */
  timeoutMs: number;
  /** The module's whole environment: the spec's names with the worker's values. */
  env?: Record<string, string>;
  /** Whether the module may open connections; false by default. */
  network?: boolean;
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

export function createModuleRunner<R extends ModuleRole>(options: ModuleRunnerOptions<R>): ModuleRunner<R> {
  return new ContainedModule(options);
}

/** Longest start of a process. */
const START_MS = 60_000;

/**
 * Failed calls in a row after which a failure is final. The first is retried, because the machine may have
 * slept or killed the process for memory. Timeouts have a lower limit, because each takes the whole time.
 */
const FAILURES_MAX = { module_timeout: 2, module_died: 3 };

class ContainedModule<R extends ModuleRole> implements ModuleRunner<R> {
  private readonly options: ModuleRunnerOptions<R>;
  private folder: Promise<string> | undefined;
  private child: ModuleProcess | undefined;
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
    const child = this.child && !this.child.ended ? this.child : await this.start();
    const reply = await this.exchange(child, input, signal).catch((error: unknown) => {
      this.kill();
      throw error;
    });
    this.failures = 0;
    const { role } = this.options;
    if (reply.unsendable) throw refuseUnsendable(role, reply.unsendable);
    if (!reply.threw) return reply.output;
    const { message, stack, retryable } = reply.threw;
    throw new RatchetError("module_threw", `the ${role} module threw: ${message}`, {
      retryable,
      cause: stack,
    });
  }

  /** Sends one request and waits for its reply, the child's death, the time limit or the signal. */
  private exchange(
    child: ModuleProcess,
    input: ModuleCalls[R]["input"],
    signal?: AbortSignal,
  ): Promise<ChildReply> {
    return new Promise<ChildReply>((resolve, reject) => {
      let settled = false;
      // The death that follows a time limit is not counted as a second failure.
      const settle = (act: () => void): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        act();
      };
      const onAbort = (): void => settle(() => reject(signal!.reason));
      const tooLong = (): void => settle(() => reject(this.timeout(expectedLength(input))));
      // The author's limit is for the author's code. A busy machine may take seconds to start a process.
      let timer = setTimeout(tooLong, START_MS + this.options.timeoutMs);
      void child.ready.then(() => {
        clearTimeout(timer);
        if (!settled) timer = setTimeout(tooLong, this.options.timeoutMs);
      });
      signal?.addEventListener("abort", onAbort);
      if (signal?.aborted) return onAbort();
      void child
        .ask(input)
        .then((outcome) =>
          settle(() => ("reply" in outcome ? resolve(outcome.reply) : reject(this.errorOf(outcome)))),
        );
    });
  }

  private async start(): Promise<ModuleProcess> {
    const { role, blobPath, env = {}, network = false } = this.options;
    const file = `${role}.mjs`;
    const folder = await (this.folder ??= makeFolder(blobPath, file));
    const child = await ModuleProcess.start({ folder, file, env, network });
    this.child = child;
    if (!this.closed) return child;
    this.kill();
    throw new RatchetError("module_died", `the ${role} module was closed`, { retryable: true });
  }

  private errorOf(failure: Failure): Error {
    if ("error" in failure) return failure.error;
    const { role } = this.options;
    if ("wrote" in failure)
      return new RatchetError(
        "module_bad_result",
        `the ${role} module's process wrote no answer, but ${failure.wrote}`,
        { retryable: false, hint: "a module answers by what its function returns" },
      );
    return this.failure(
      "module_died",
      (again) => `'s process ${again}${failure.died}`,
      failure.perhapsMemory ? memoryHint(moduleBytes()) : undefined,
    );
  }

  private timeout(rows: number): RatchetError {
    const limit = `${this.options.timeoutMs / 1000} s`;
    return this.failure(
      "module_timeout",
      (again) => ` ${again}did not answer ${rows} rows within ${limit} and was killed`,
      `raise the module's timeout if ${limit} is too little`,
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
    this.child?.kill();
    this.child = undefined;
  }
}
