// Finds an attempt that is alive but stuck. Its limit is a multiple of the longest unit of work (a piece, a
// step) that this attempt has finished, within bounds. Time is monotonic: a machine whose clock is set
// forward is not stuck.

export interface Limits {
  /** Limit while too little was measured: loading models and compiling graphs are the longest silent work. */
  unknownMs: number;
  /** Smallest limit: a checkpoint is written between two steps. */
  leastMs: number;
}

const LIMITS: Limits = { unknownMs: 10 * 60_000, leastMs: 3 * 60_000 };
/** Limit / longest unit. */
const TIMES = 20;
/** Units to measure before the limit follows them: the first one alone may have been short. */
const MEASURED_MIN = 3;

export class Watchdog {
  private readonly limits: Limits;
  private readonly now: () => number;
  private progressedAtMs: number;
  private longestMs = 0;
  private measured = 0;

  constructor(limits: Limits = LIMITS, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
    this.progressedAtMs = now();
  }

  /** The work has reported progress. */
  progressed(): void {
    this.progressedAtMs = this.now();
  }

  /** A unit of work is done; it took `ms`. */
  unitDone(ms: number): void {
    this.longestMs = Math.max(this.longestMs, ms);
    this.measured += 1;
  }

  /** The next work is of another kind: an upload after training reports nothing while it runs. */
  reset(): void {
    this.measured = 0;
    this.progressed();
  }

  /** The next work has a limit of its own, `ms`: silence counts from the end of that. */
  allowSilence(ms: number): void {
    this.progressedAtMs = this.now() + ms;
  }

  get limitMs(): number {
    const { unknownMs, leastMs } = this.limits;
    return this.measured < MEASURED_MIN
      ? unknownMs
      : Math.min(unknownMs, Math.max(leastMs, TIMES * this.longestMs));
  }

  isStuck(): boolean {
    return this.now() - this.progressedAtMs >= this.limitMs;
  }
}
