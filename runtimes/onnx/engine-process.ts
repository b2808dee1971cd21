// One engine child seen from the worker: forked when first needed, asked one call at a time, killed when it does not stop in time.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import { errorFromParts } from "./errors.ts";
import type { Progress, ReferenceLogps } from "../types.ts";
import type { Call, FromChild, Method, Methods, ToChild } from "./protocol.ts";

/** All that the engine needs to know of the worker's environment; secrets are not among it. */
const inheritedNames = [
  "PATH",
  "TMPDIR",
  "TMP",
  "TEMP",
  "LANG",
  "LC_ALL",
  "TZ",
  "LD_LIBRARY_PATH",
  "SystemRoot",
];
const entry = fileURLToPath(new URL("./child.js", import.meta.url));
/** Last lines of the child's stderr, told when it dies. */
const linesKept = 20;

/** What the child was at when it was last heard of, twice a second at most. */
function during({ method, args }: Call, heard: Progress | undefined): string {
  const asked = "requests" in args ? args.requests : "rows" in args ? args.rows : [];
  const [first, last] = [asked[0]?.prompt.id, asked.at(-1)?.prompt.id];
  const rows =
    first === undefined
      ? ""
      : ` of ${asked.length} rows, ${first === last ? `prompt ${first}` : `prompts ${first} to ${last}`}`;
  return `${method}${rows}${heard ? `, after ${heard.done} of ${heard.total} ${heard.unit}` : ""}`;
}

export interface CallHooks {
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  onWaiting?: (() => void) | undefined;
  onCheckpoint?(checkpoint: Extract<FromChild, { type: "checkpoint" }>["checkpoint"]): void;
  onReference?: ((computed: ReferenceLogps) => void) | undefined;
}

export interface EngineProcessOptions {
  /** Threads inside one operation of the engine. */
  threads: number;
  /** Time between the request to stop and the kill. */
  graceMs: number;
}

export class EngineProcess {
  private readonly options: EngineProcessOptions;
  private child: ChildProcess | undefined;
  private stderr = "";

  constructor(options: EngineProcessOptions) {
    this.options = options;
  }

  /** Undefined before the first call and after a death. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  async call<M extends Method>(
    method: M,
    args: Methods[M]["args"],
    hooks: CallHooks,
  ): Promise<Methods[M]["result"]> {
    hooks.signal.throwIfAborted();
    const child = (this.child ??= this.start());
    return this.exchange(child, { method, args } as Call, hooks) as Promise<Methods[M]["result"]>;
  }

  close(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  }

  private start(): ChildProcess {
    const env = Object.fromEntries(
      inheritedNames.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    );
    const child = fork(entry, [String(this.options.threads)], {
      env,
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.stderr = "";
    child.stderr?.setEncoding("utf8").on(
      "data",
      (text: string) =>
        (this.stderr = (this.stderr + text)
          .split("\n")
          .slice(-linesKept - 1)
          .join("\n")),
    );
    const gone = (): void => {
      if (this.child === child) this.child = undefined;
    };
    child.on("exit", gone).on("error", gone);
    return child;
  }

  /** Ends with the child's answer or its death, whichever comes first. */
  private exchange(
    child: ChildProcess,
    call: Call,
    { signal, onProgress, onCheckpoint, onReference }: CallHooks,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      let heard: Progress | undefined;
      const settle = (act: () => void): void => {
        clearTimeout(grace);
        child.off("message", onMessage).off("close", onClose).off("error", onError);
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const onMessage = (message: FromChild): void => {
        if (message.type === "progress") onProgress((heard = message.progress));
        else if (message.type === "checkpoint") onCheckpoint?.(message.checkpoint);
        else if (message.type === "reference") onReference?.(message.computed);
        else if (message.type === "result") settle(() => resolve(message.value));
        else if (message.type === "stopped") settle(() => reject(signal.reason));
        else settle(() => reject(errorFromParts(message.error)));
      };
      // `close` and not `exit`: by then all that it wrote to stderr has arrived.
      const onClose = (code: number | null, name: string | null): void =>
        settle(() => reject(signal.aborted ? signal.reason : this.death(call, heard, code, name)));
      const onError = (error: Error): void =>
        settle(() =>
          reject(new RatchetError("engine_died", `the engine's process could not be used: ${error.message}`)),
        );
      const onAbort = (): void => {
        child.send({ type: "abort" } satisfies ToChild, () => undefined);
        grace = setTimeout(() => child.kill("SIGKILL"), this.options.graceMs);
      };
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      signal.addEventListener("abort", onAbort);
      child.send({ type: "call", call } satisfies ToChild, (error) => {
        // A child that cannot be reached is dead or as good as dead; `close` says how it ended.
        if (error) child.kill("SIGKILL");
      });
    });
  }

  private death(
    call: Call,
    heard: Progress | undefined,
    code: number | null,
    signal: string | null,
  ): RatchetError {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
    const last = this.stderr.trim();
    const hint = signal === "SIGKILL" ? "the system kills processes when memory runs out" : undefined;
    return new RatchetError(
      "engine_died",
      `the engine's process ${how} during ${during(call, heard)}${last ? `; its last words: ${last}` : ""}`,
      { hint },
    );
  }
}
