// How fast a labeler is asked: at most so many requests at once and a minute, and none during a pause that
// its server asked for. One for all campaigns of a worker.
import { setTimeout as delay } from "node:timers/promises";

/** Monotonic. Tests replace it. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};

export interface Limits {
  requestsPerMinute: number;
  concurrency: number;
}

export class Pace {
  private readonly gapMs: number;
  private readonly clock: Clock;
  private free: number;
  private readonly queue: (() => void)[] = [];
  private nextMs = -Infinity;

  constructor({ requestsPerMinute, concurrency }: Limits, clock: Clock = SYSTEM) {
    this.gapMs = 60_000 / requestsPerMinute;
    this.free = concurrency;
    this.clock = clock;
  }

  /** Does `work` when its turn has come. Throws the signal's reason if that aborts first. */
  async turn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.take(signal);
    try {
      for (;;) {
        signal.throwIfAborted();
        const leftMs = this.nextMs - this.clock.now();
        if (leftMs <= 0) break;
        await this.clock.sleep(leftMs, signal);
      }
      this.nextMs = this.clock.now() + this.gapMs;
      return await work();
    } finally {
      this.give();
    }
  }

  /** No request begins before `ms` from now. */
  pause(ms: number): void {
    this.nextMs = Math.max(this.nextMs, this.clock.now() + ms);
  }

  private async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.free > 0) {
      this.free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.queue.splice(this.queue.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      this.queue.push(enter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  private give(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.free += 1;
  }
}
