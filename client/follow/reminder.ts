// Decides when a lasting condition is reported: once when it has lasted long enough, then again every minute.
const REPEAT_MS = 60_000;

export class Reminder {
  private readonly firstAfterMs: number;
  private condition: string | undefined;
  private sinceMs = 0;
  private seenAtMs = 0;
  private reportedAtMs = 0;

  constructor(firstAfterMs: number) {
    this.firstAfterMs = firstAfterMs;
  }

  /** How long the condition has lasted, if it is to be reported now. Another condition starts a new count. */
  due(condition: string, nowMs: number): number | undefined {
    if (this.condition !== condition) {
      this.condition = condition;
      this.sinceMs = nowMs;
      this.reportedAtMs = -Infinity;
    }
    this.seenAtMs = nowMs;
    const forMs = nowMs - this.sinceMs;
    if (forMs < this.firstAfterMs || nowMs - this.reportedAtMs < REPEAT_MS) return undefined;
    this.reportedAtMs = nowMs;
    return forMs;
  }

  /** The condition is not seen now; it ends once it was not seen for `afterMs`. */
  clear(nowMs: number, afterMs = 0): void {
    if (nowMs - this.seenAtMs >= afterMs) this.condition = undefined;
  }
}
