// What the workers of one campaign told, in order: the log that proves where a fault landed.
import { samePlace } from "./points.ts";
import type { Attempt, Point } from "./points.ts";

export interface Event {
  atMs: number;
  pid: number;
  point: Point;
}

export class Events {
  readonly list: Event[] = [];

  add(point: Point, pid: number): void {
    this.list.push({ atMs: Date.now(), pid, point });
  }

  get count(): number {
    return this.list.length;
  }

  /** Whether this attempt, in that process, had begun and not ended before event `at`. */
  isOpen(attempt: Attempt, pid: number, at = this.count): boolean {
    const own = this.list
      .slice(0, at)
      .filter((event) => event.pid === pid && isAttempt(event.point, attempt));
    return (
      own.filter(({ point }) => point.what === "begin").length >
      own.filter(({ point }) => point.what === "end").length
    );
  }

  /** How the attempt ended after event `at`: "" for well, undefined where it did not. */
  ending(attempt: Attempt, at: number): string | undefined {
    const end = this.list.slice(at).find(({ point }) => point.what === "end" && isAttempt(point, attempt));
    return end && ((end.point as Extract<Point, { what: "end" }>).failure ?? "");
  }

  /** Whether some attempt of the stage ended with this failure after event `at`. */
  failed(stage: string, failure: string, at: number): boolean {
    return this.list
      .slice(at)
      .some(
        ({ point }) => point.what === "end" && point.attempt.stage === stage && point.failure === failure,
      );
  }

  /** When a later attempt of the same activity began after event `at`. */
  retriedAtMs(attempt: Attempt, at: number): number | undefined {
    return this.list
      .slice(at)
      .find(
        ({ point }) =>
          point.what === "begin" &&
          samePlace(point.attempt, attempt) &&
          point.attempt.attempt > attempt.attempt,
      )?.atMs;
  }

  /**
   * When the activity, after event `at` and in a later attempt, committed something that had not been there: a piece, a checkpoint, its result.
   * Where all was there already: when that attempt came to a good end.
   */
  newWorkAtMs(attempt: Attempt, at: number): number | undefined {
    const before = new Set(
      this.list.slice(0, at).flatMap(({ point }) => (isCommit(point) ? [point.key] : [])),
    );
    const isNew = (point: Point): boolean =>
      (isCommit(point) && !before.has(point.key)) || (point.what === "end" && point.failure === undefined);
    return this.list
      .slice(at)
      .find(
        ({ point }) =>
          isNew(point) &&
          point.attempt !== undefined &&
          samePlace(point.attempt, attempt) &&
          point.attempt.attempt > attempt.attempt,
      )?.atMs;
  }

  retried(attempt: Attempt, at: number): boolean {
    return this.retriedAtMs(attempt, at) !== undefined;
  }

  /** Whether the activity came to a good end after event `at`, in whichever attempt. */
  succeeded(attempt: Attempt, at: number): boolean {
    return this.list
      .slice(at)
      .some(
        ({ point }) =>
          point.what === "end" && samePlace(point.attempt, attempt) && point.failure === undefined,
      );
  }
}

/** The commit is done. */
export const isCommit = (point: Point): point is Extract<Point, { what: "store" }> =>
  point.what === "store" && point.operation === "create" && point.when === "after";

const isAttempt = (point: Point, attempt: Attempt): boolean =>
  (point.what === "begin" || point.what === "end") &&
  samePlace(point.attempt, attempt) &&
  point.attempt.attempt === attempt.attempt;
