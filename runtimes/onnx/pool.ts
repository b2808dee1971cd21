// Which child serves a call: a free one that worked with the call's model last, else any free one; calls beyond that queue in order, and
// hear that those before them go on.
import { RatchetError } from "../../errors/index.ts";
import type { CallHooks, EngineProcessOptions } from "./engine-process.ts";
import { EngineProcess } from "./engine-process.ts";
import type { Method, Methods } from "./protocol.ts";

interface Slot {
  process: EngineProcess;
  busy: boolean;
  /** Digests of the models it was given last, newest first. */
  models: string[];
}

interface Waiting {
  take(slot: Slot): void;
  refuse(reason: unknown): void;
  goesOn(): void;
}

/** As many as a child keeps loaded (models.ts). */
const modelsKept = 3;

export class Pool {
  private readonly slots: Slot[];
  private readonly queue: Waiting[] = [];
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
      slot.models = [model, ...slot.models.filter((known) => known !== model)].slice(0, modelsKept);
      return await slot.process.call(method, args, {
        ...hooks,
        onProgress: (progress) => {
          hooks.onProgress(progress);
          for (const waiting of this.queue) waiting.goesOn();
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
    for (const waiting of this.queue.splice(0)) waiting.refuse(this.closedError());
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
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        take: (taken) => {
          signal.removeEventListener("abort", onAbort);
          resolve(taken);
        },
        refuse: reject,
        goesOn: () => onWaiting?.(),
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.queue.push(waiting);
    });
  }

  private release(slot: Slot): void {
    const next = this.queue.shift();
    if (next) next.take(slot);
    else slot.busy = false;
    for (const waiting of this.queue) waiting.goesOn();
  }

  private closedError(): RatchetError {
    return new RatchetError("worker_draining", "the engine was closed");
  }
}
