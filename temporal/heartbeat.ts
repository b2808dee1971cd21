// The heartbeat of an activity. The next attempt reads it (activities/attempt/); the client shows its
// progress and outages (client/follow/).
import type { Progress } from "../runtimes/types.ts";

/** A heartbeat can be lost, so no attempt resumes by it: checkpoints and finished pieces are in the store. */
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
