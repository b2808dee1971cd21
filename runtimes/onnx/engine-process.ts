// One child process of the engine, seen from the worker. It is forked at the first call, serves one call at a
// time, and is killed if it does not stop in time.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import { NO_DEBUGGER } from "../../host/no-debugger.mjs";
import { EncodeLimit } from "./encode-limit.ts";
import { errorFromParts } from "./errors.ts";
import type { Progress, ReferenceLogps } from "../types.ts";
import type { Call, FromChild, Method, Methods, ToChild } from "./protocol.ts";

/** The worker's environment variables that the child inherits; none is a secret. */
const INHERITED_NAMES = [
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
const ENTRY = fileURLToPath(new URL("./child.js", import.meta.url));
/** Last lines of the child's stderr that its error shows if it dies. */
const STDERR_LINES = 20;

/** The call that a child died in, with its last progress. */
function during({ method, args }: Call, progress: Progress | undefined): string {
  const asked = "requests" in args ? args.requests : "rows" in args ? args.rows : [];
  const [first, last] = [asked[0]?.prompt.id, asked.at(-1)?.prompt.id];
  const rows =
    first === undefined
      ? ""
      : ` of ${asked.length} rows, ${first === last ? `prompt ${first}` : `prompts ${first} to ${last}`}`;
  const after = progress ? `, after ${progress.done} of ${progress.total} ${progress.unit}` : "";
  return `${method}${rows}${after}`;
}

const unusable = (cause: Error): RatchetError =>
  new RatchetError("engine_died", `the engine's process failed: ${cause.message}`);

/** The channel is closed, so the child is dead or useless. `close` reports how it ended. */
const killIfUnsent =
  (child: ChildProcess) =>
  (error: Error | null): void => {
    if (error) child.kill("SIGKILL");
  };

export interface CallHooks {
  signal: AbortSignal;
  onProgress(progress: Progress): void;
  onWaiting?: (() => void) | undefined;
  onModelLoaded?: (() => void) | undefined;
  onCheckpoint?(checkpoint: Extract<FromChild, { type: "checkpoint" }>["checkpoint"]): void;
  onReference?: ((computed: ReferenceLogps) => void) | undefined;
}

export interface EngineProcessOptions {
  /** Threads inside one operation of the engine. */
  threads: number;
  /** Time between the request to stop and the kill. */
  graceMs: number;
  /** Longest time to encode one row. Default three minutes. */
  encodeMs?: number | undefined;
}

export class EngineProcess {
  private readonly options: EngineProcessOptions;
  private child: ChildProcess | undefined;
  private stderr = "";

  constructor(options: EngineProcessOptions) {
    this.options = options;
  }

  /** Undefined if no child is running. */
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
      INHERITED_NAMES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    );
    const child = fork(ENTRY, [String(this.options.threads)], {
      env,
      execArgv: NO_DEBUGGER,
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.stderr = "";
    child.stderr?.setEncoding("utf8").on(
      "data",
      (text: string) =>
        (this.stderr = (this.stderr + text)
          .split("\n")
          .slice(-STDERR_LINES - 1)
          .join("\n")),
    );
    const gone = (): void => {
      if (this.child === child) this.child = undefined;
    };
    child.on("exit", gone).on("error", gone);
    return child;
  }

  /** Sends a call and waits for the child's answer or its death. */
  private exchange(
    child: ChildProcess,
    call: Call,
    { signal, onProgress, onModelLoaded, onCheckpoint, onReference }: CallHooks,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      const encoding = new EncodeLimit(child, this.options.encodeMs);
      let latest: Progress | undefined;
      const settle = (act: () => void): void => {
        clearTimeout(grace);
        encoding.row();
        child.off("message", onMessage).off("close", onClose).off("error", onError);
        signal.removeEventListener("abort", onAbort);
        act();
      };
      const onMessage = (message: FromChild): void => {
        if (message.type === "progress") onProgress((latest = message.progress));
        else if (message.type === "loaded") onModelLoaded?.();
        else if (message.type === "checkpoint") onCheckpoint?.(message.checkpoint);
        else if (message.type === "reference") onReference?.(message.computed);
        else if (message.type === "encoding") encoding.row(message.row);
        else if (message.type === "result") settle(() => resolve(message.value));
        else if (message.type === "stopped") settle(() => reject(signal.reason));
        else settle(() => reject(errorFromParts(message.error)));
      };
      const death = (code: number | null, name: string | null) => this.death(call, latest, code, name);
      // `close`, not `exit`, because only then all of its stderr has arrived.
      const onClose = (code: number | null, name: string | null): void =>
        settle(() => reject(signal.aborted ? signal.reason : (encoding.error ?? death(code, name))));
      const onError = (error: Error): void => settle(() => reject(unusable(error)));
      const onAbort = (): void => {
        child.send({ type: "abort" } satisfies ToChild, () => undefined);
        grace = setTimeout(() => child.kill("SIGKILL"), this.options.graceMs);
      };
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      signal.addEventListener("abort", onAbort);
      child.send({ type: "call", call } satisfies ToChild, killIfUnsent(child));
    });
  }

  private death(
    call: Call,
    latest: Progress | undefined,
    code: number | null,
    signal: string | null,
  ): RatchetError {
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
    const last = this.stderr.trim();
    const hint = signal === "SIGKILL" ? "the system kills processes when memory runs out" : undefined;
    return new RatchetError(
      "engine_died",
      `the engine's process ${how} during ${during(call, latest)}${last ? `; its last output: ${last}` : ""}`,
      { hint },
    );
  }
}
