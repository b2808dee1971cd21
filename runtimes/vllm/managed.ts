// A server that the worker starts, with one policy at a time. It is kept until a stage needs another policy,
// nothing has used it for a while, or the worker ends.
import { RatchetError, isCoded } from "../../errors/index.ts";
import type { Pace } from "../api-labeler/pace.ts";
import type { LocalModel, WorkContext } from "../types.ts";
import { ServerProcess } from "./server-process.ts";
import type { Servers, Use } from "./servers.ts";
import type { ManagedSettings } from "./settings.ts";

interface Running {
  process: ServerProcess;
  /** Calls that use it now. */
  users: number;
  /** The server's context, when a check has passed. Calls check it in turn. */
  checked: number | undefined;
  checking: Promise<unknown>;
  /** Why it was given up. The first call that fails decides for all. */
  death: Promise<RatchetError> | undefined;
}

export class ManagedServers implements Servers {
  private readonly settings: ManagedSettings;
  private readonly pace: Pace;
  private readonly logFile: string;
  private running: Running | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private onFree: () => void = () => undefined;
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(settings: ManagedSettings, pace: Pace, logFile: string) {
    this.settings = settings;
    this.pace = pace;
    this.logFile = logFile;
  }

  async use<T>(model: LocalModel, context: WorkContext, work: Use<T>): Promise<T> {
    const running = await this.inTurn(() => this.acquire(model, context));
    try {
      return await work({
        endpoint: running.process.endpoint,
        check: (canary) => checkOnce(running, canary),
        checkAfter: false,
      });
    } catch (error) {
      throw context.signal.aborted ? error : await this.given(running, error);
    } finally {
      running.users -= 1;
      this.onFree();
      this.stopWhenIdle();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    await this.running?.process.stop();
  }

  /** In order of arrival, so that a wish for another policy is not overtaken for ever. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async acquire(model: LocalModel, context: WorkContext): Promise<Running> {
    context.signal.throwIfAborted();
    if (this.closed) throw new RatchetError("worker_draining", "the runtime vllm was closed");
    clearTimeout(this.idle);
    if (this.running && !fits(this.running, model)) await this.replace(this.running, context.signal);
    this.running ??= await this.started(model, context);
    this.running.users += 1;
    return this.running;
  }

  private async started(model: LocalModel, context: WorkContext): Promise<Running> {
    const { settings, pace, logFile } = this;
    const process = await ServerProcess.start({ settings, model, pace, logFile });
    this.running = {
      process,
      users: 0,
      checked: undefined,
      checking: Promise.resolve(),
      death: undefined,
    };
    try {
      await process.untilHealthy(context.signal);
    } catch (error) {
      this.running = undefined;
      await process.stop();
      throw error;
    }
    context.onModelLoaded?.();
    return this.running;
  }

  /** Waits until nothing uses it. */
  private async replace(running: Running, signal: AbortSignal): Promise<void> {
    while (running.users > 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.onFree = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
    await running.process.stop();
    if (this.running === running) this.running = undefined;
  }

  /** A server that does not answer is ended: the next attempt starts another and checks it. */
  private async given(running: Running, error: unknown): Promise<unknown> {
    if (!isCoded(error) || error.code !== "runtime_unreachable") {
      running.checked = undefined;
      return error;
    }
    // With other calls beside it, none of them is known to be the cause (attempt/piece-crashes.ts).
    running.death ??= end(running.process, running.users === 1 ? "engine_died" : "runtime_died", error);
    return running.death;
  }

  private stopWhenIdle(): void {
    const { running } = this;
    if (!running || running.users > 0 || this.closed) return;
    clearTimeout(this.idle);
    const stop = (): Promise<void> =>
      this.inTurn(async () => {
        if (this.running === running && running.users === 0)
          await this.replace(running, new AbortController().signal);
      });
    this.idle = setTimeout(() => void stop(), this.settings.idleMs);
    this.idle.unref();
  }
}

const fits = ({ process, death }: Running, { digest }: LocalModel): boolean =>
  process.digest === digest && !process.hasEnded && !death;

async function end(
  process: ServerProcess,
  code: "engine_died" | "runtime_died",
  { message }: Error,
): Promise<RatchetError> {
  await process.stop();
  return process.died(code, `was given up: ${message}`);
}

function checkOnce(running: Running, canary: () => Promise<number>): Promise<number> {
  const checked = running.checking.then(async () => (running.checked ??= await canary()));
  running.checking = checked.catch(() => undefined);
  return checked;
}
