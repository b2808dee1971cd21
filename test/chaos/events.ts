// The log of all points that the workers of one campaign reported, in order. It proves where a fault landed.
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

  /** Whether the attempt had begun in process `pid`, and not ended, before event `at`. */
  isOpen(attempt: Attempt, pid: number, at = this.count): boolean {
    const own = this.list
      .slice(0, at)
      .filter((event) => event.pid === pid && isAttempt(event.point, attempt));
    return (
      own.filter(({ point }) => point.what === "begin").length >
      own.filter(({ point }) => point.what === "end").length
    );
  }

  /**
   * The failure code with which the attempt ended after event `at`; "" for success, undefined if it did not
   * end.
   */
  ending(attempt: Attempt, at: number): string | undefined {
    const end = this.list.slice(at).find(({ point }) => point.what === "end" && isAttempt(point, attempt));
    return end && ((end.point as Extract<Point, { what: "end" }>).failure ?? "");
  }

  /** Whether an attempt of the stage ended with this failure code after event `at`. */
  failed(stage: string, failure: string, at: number): boolean {
    return this.list
      .slice(at)
      .some(
        ({ point }) => point.what === "end" && point.attempt.stage === stage && point.failure === failure,
      );
  }

  /** Time at which a later attempt of the same activity began, after event `at`. */
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
   * Time of the first commit that a later attempt of the activity added after event `at`: a piece, a
   * checkpoint or its result. If everything was there already: the time at which that attempt succeeded.
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

  /** Whether any attempt of the activity succeeded after event `at`. */
  succeeded(attempt: Attempt, at: number): boolean {
    return this.list
      .slice(at)
      .some(
        ({ point }) =>
          point.what === "end" && samePlace(point.attempt, attempt) && point.failure === undefined,
      );
  }
}

/** A create that has been done. */
export const isCommit = (point: Point): point is Extract<Point, { what: "store" }> =>
  point.what === "store" && point.operation === "create" && point.when === "after";

const isAttempt = (point: Point, attempt: Attempt): boolean =>
  (point.what === "begin" || point.what === "end") &&
  samePlace(point.attempt, attempt) &&
  point.attempt.attempt === attempt.attempt;
