// What the heartbeats of an activity say: to the next attempt (activities/attempt/), and to whoever watches
// (client/follow/).
import type { Progress } from "../runtimes/types.ts";

/**
 * The next attempt counts failures by it. Where to resume is in the store, never here: a heartbeat can be
 * lost.
 */
export interface Heartbeat {
  /** Pieces that are begun and not yet committed. */
  begun?: number[];
  /** Newest optimizer step. */
  step?: number;
  /** How often a child process died on a piece, over all attempts, by piece. */
  deaths?: Record<number, number>;
  /**
   * The attempt returned, failed, or was drained or paused. Absent if its process crashed, or its worker did.
   */
  ended?: true;
  /** Attempts in a row that failed by themselves and made no progress. Outages and kills do not count. */
  failuresWithoutProgress?: number;
  progress?: Progress;
  /** The outage that a running attempt waits for, with its work in memory. */
  waitsFor?: { code: string; message: string };
}
