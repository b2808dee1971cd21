// One `vllm serve` with one policy, from its start to the end of its whole process group.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../../errors/index.ts";
import { killGroup } from "../../host/processes.mjs";
import type { Pace } from "../api-labeler/pace.ts";
import type { LocalModel } from "../types.ts";
import { Endpoint } from "./endpoint.ts";
import { Http } from "./http.ts";
import { hintFor } from "./log-hints.ts";
import type { ManagedSettings } from "./settings.ts";

const KEEPER = fileURLToPath(new URL("./keeper.js", import.meta.url));
const LOOK_MS = 250;
const LOG_BYTES_MAX = 10 * 2 ** 20;
/** Characters of the log's end that an error shows. */
const LOG_SHOWN = 600;

/** The worker's variables that the server inherits. Keys of stores are none of them. */
const INHERITED_NAMES =
  /^(PATH|HOME|USER|TMPDIR|LANG|TZ|LD_LIBRARY_PATH|XDG_CACHE_HOME|HF_HOME|HF_HUB_CACHE)$/;
const INHERITED_PREFIXES = /^(LC|CUDA|NVIDIA|HIP|ROCR|HSA|NCCL|VLLM|OMP|TORCH|TRITON)_/;
const isInherited = (name: string): boolean => INHERITED_NAMES.test(name) || INHERITED_PREFIXES.test(name);

export interface Started {
  settings: ManagedSettings;
  model: LocalModel;
  pace: Pace;
  logFile: string;
}

export class ServerProcess {
  readonly digest: string;
  readonly endpoint: Endpoint;
  private readonly child: ChildProcess;
  private readonly http: Http;
  private readonly logFile: string;
  private readonly logFrom: number;
  private readonly exit: Promise<void>;
  private readonly startMs: number;

  private constructor({ settings, model, pace, logFile }: Started, port: number) {
    this.digest = model.digest;
    this.logFile = logFile;
    this.startMs = settings.startMs;
    const { log, from } = openLog(logFile);
    this.logFrom = from;
    const args = [KEEPER, ...settings.command, ...serverArgs(settings, model, port)];
    // A group of its own: a Ctrl-C for the worker does not reach it.
    this.child = spawn(process.execPath, args, {
      detached: true,
      stdio: ["pipe", log, log],
      env: environment(settings.env),
    });
    closeSync(log);
    this.exit = new Promise((resolve) => {
      this.child.once("exit", resolve).once("error", resolve);
    }).then(() => killGroup(this.child, "SIGKILL"));
    this.child.stdin?.on("error", () => undefined);
    this.http = new Http(`http://127.0.0.1:${port}`);
    const { timeoutMs } = settings;
    this.endpoint = new Endpoint({ http: this.http, model: model.digest, pace, timeoutMs });
  }

  static async start(started: Started): Promise<ServerProcess> {
    return new ServerProcess(started, await freePort());
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /** Until it has loaded its model. Throws `runtime_died` with the end of its log. */
  async untilHealthy(signal: AbortSignal): Promise<void> {
    for (const until = performance.now() + this.startMs; ;) {
      signal.throwIfAborted();
      if (this.hasEnded) throw this.died("runtime_died", "did not start");
      if (performance.now() > until)
        throw this.died("runtime_died", `did not start within ${Math.round(this.startMs / 1000)} s`);
      if (await this.endpoint.healthy(signal).catch(() => false)) return;
      await sleep(LOOK_MS, undefined, { signal });
    }
  }

  /** Ends the whole group, and waits for that. */
  async stop(): Promise<void> {
    this.child.stdin?.end();
    this.http.close();
    if (!this.hasEnded) await this.exit;
  }

  died(code: "engine_died" | "runtime_died", how: string): RatchetError {
    const log = this.logEnd();
    return new RatchetError(
      code,
      `vLLM with policy ${this.digest.slice(0, 12)} ${how}${log ? `; the end of its log: ${log}` : ""}`,
      { hint: hintFor(log) ?? `its whole log is ${this.logFile}` },
    );
  }

  private logEnd(): string {
    try {
      return readFileSync(this.logFile).subarray(this.logFrom).toString("utf8").trim().slice(-LOG_SHOWN);
    } catch {
      return "";
    }
  }
}

/** Ours come first; `ratchet-worker.yaml` may not repeat them. */
const serverArgs = ({ args }: ManagedSettings, { digest, dir }: LocalModel, port: number): string[] => [
  dir,
  "--served-model-name",
  digest,
  "--host",
  "127.0.0.1",
  "--port",
  String(port),
  // Else the model's generation_config.json fills settings and adds stop ids.
  "--generation-config",
  "vllm",
  "--logprobs-mode",
  "raw_logprobs",
  ...args,
];

const environment = (own: Record<string, string>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => isInherited(name))),
  HF_HUB_OFFLINE: "1",
  VLLM_NO_USAGE_STATS: "1",
  ...own,
});

function openLog(file: string): { log: number; from: number } {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file) && statSync(file).size > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
  const log = openSync(file, "a", 0o600);
  return { log, from: statSync(file).size };
}

/** Another program may take it before the server does; the start then fails and is retried. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
