// Chooses the child for a call: a free one that has the call's model, else any free one. Further calls queue
// in order, and are notified when a running call makes progress.
import { RatchetError } from "../../errors/index.ts";
import type { CallHooks, EngineProcessOptions } from "./engine-process.ts";
import { EngineProcess } from "./engine-process.ts";
import { MODELS_CACHED } from "./protocol.ts";
import type { Method, Methods } from "./protocol.ts";

interface Slot {
  process: EngineProcess;
  busy: boolean;
  /** Digests of the models that it used last, newest first. */
  models: string[];
}

interface Queued {
  start(slot: Slot): void;
  reject(reason: unknown): void;
  notify(): void;
}

export class Pool {
  private readonly slots: Slot[];
  private readonly queue: Queued[] = [];
  private closed = false;

  constructor(size: number, options: EngineProcessOptions) {
    this.slots = Array.from({ length: size }, () => ({
      process: new EngineProcess(options),
      busy: false,
      models: [],
    }));
  }

  async call<M extends Method>(
    method: M,
    model: string,
    args: Methods[M]["args"],
    hooks: CallHooks,
  ): Promise<Methods[M]["result"]> {
    const slot = await this.acquire(model, hooks);
    try {
      slot.models = [model, ...slot.models.filter((known) => known !== model)].slice(0, MODELS_CACHED);
      return await slot.process.call(method, args, {
        ...hooks,
        onProgress: (progress) => {
          hooks.onProgress(progress);
          for (const queued of this.queue) queued.notify();
        },
      });
    } finally {
      this.release(slot);
    }
  }

  /** Process ids of the live children. */
  pids(): number[] {
    return this.slots.flatMap(({ process }) => (process.pid === undefined ? [] : [process.pid]));
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const queued of this.queue.splice(0)) queued.reject(this.closedError());
    await Promise.all(this.slots.map(({ process }) => process.close()));
  }

  private acquire(model: string, { signal, onWaiting }: CallHooks): Promise<Slot> {
    signal.throwIfAborted();
    if (this.closed) throw this.closedError();
    const free = this.slots.filter(({ busy }) => !busy);
    const slot =
      free.find(({ models }) => models.includes(model)) ??
      free.find(({ models }) => models.length === 0) ??
      free[0];
    if (slot) {
      slot.busy = true;
      return Promise.resolve(slot);
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(queued), 1);
        reject(signal.reason);
      };
      const queued: Queued = {
        start: (free) => {
          signal.removeEventListener("abort", onAbort);
          resolve(free);
        },
        reject,
        notify: () => onWaiting?.(),
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.queue.push(queued);
    });
  }

  private release(slot: Slot): void {
    const next = this.queue.shift();
    if (next) next.start(slot);
    else slot.busy = false;
    for (const queued of this.queue) queued.notify();
  }

  private closedError(): RatchetError {
    return new RatchetError("worker_draining", "the engine was closed");
  }
}
