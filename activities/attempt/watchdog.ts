// Tells a living attempt that is stuck. What is too long follows from what this attempt has shown: many times its longest unit of work (a
// piece, a step), within bounds. On the monotonic clock: a machine whose clock is set is not stuck.

export interface Limits {
  /** Before anything was measured: loading models and compiling graphs are the longest silent things. */
  unknownMs: number;
  /** A checkpoint is written between two steps. */
  leastMs: number;
}

const LIMITS: Limits = { unknownMs: 10 * 60_000, leastMs: 3 * 60_000 };
const TIMES = 20;
/** The first unit alone may have been a short one. */
const MEASURED_MIN = 3;

export class Watchdog {
  private readonly limits: Limits;
  private readonly now: () => number;
  private movedAtMs: number;
  private longestMs = 0;
  private measured = 0;

  constructor(limits: Limits = LIMITS, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
    this.movedAtMs = now();
  }

  /** Some progress was heard of. */
  moved(): void {
    this.movedAtMs = this.now();
  }

  /** A unit of work was done, in this time. */
  done(ms: number): void {
    this.longestMs = Math.max(this.longestMs, ms);
    this.measured += 1;
  }

  /** What follows is of another kind: an upload after training says nothing while it runs. */
  reset(): void {
    this.measured = 0;
    this.moved();
  }

  /** What follows has a limit of its own, in this time: silence counts from there. */
  allowSilence(ms: number): void {
    this.movedAtMs = this.now() + ms;
  }

  get limitMs(): number {
    const { unknownMs, leastMs } = this.limits;
    return this.measured < MEASURED_MIN
      ? unknownMs
      : Math.min(unknownMs, Math.max(leastMs, TIMES * this.longestMs));
  }

  isStuck(): boolean {
    return this.now() - this.movedAtMs >= this.limitMs;
  }
}
