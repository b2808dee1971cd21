// Puts the faults of one campaign: waits for the stage and moment of each, holds the operation there, does it, and watches until the
// record shows that it landed. One at a time, so that what follows can be told to be its doing.
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosEnvironment, Watcher } from "./environment.ts";
import { Events } from "./events.ts";
import { FAULTS } from "./faults.ts";
import type { Put } from "./faults.ts";
import { KINDS } from "./pairs.ts";
import type { Moment } from "./pairs.ts";
import type { Fault } from "./plan.ts";
import { GO, momentOf, samePlace } from "./points.ts";
import type { Answer, Attempt, Point } from "./points.ts";
import { signal } from "./processes.ts";
import type { ProxiedRequest, Treatment } from "./s3-proxy.ts";

/** A fault that has not shown in the record by then lets the next one come; it may still be found to have landed at the end. */
const SHOWN_MS = 25_000;

export class Scheduler implements Watcher {
  readonly events = new Events();
  readonly puts: Put[] = [];
  /** What went wrong in doing it: of the environment, not of the campaign. */
  readonly failures: string[] = [];
  private readonly environment: ChaosEnvironment;
  private readonly armed: Fault[];
  private readonly met = new Map<Fault, number>();
  /** Processes that ended for it. */
  private readonly freshened = new Map<Fault, number>();
  private active: Put | undefined;
  /** A fault that meets several requests in a row. */
  private treating: { put: Put; treatment: Treatment; left: number } | undefined;
  private readonly doing = new Set<Promise<void>>();

  constructor(environment: ChaosEnvironment, faults: readonly Fault[]) {
    this.environment = environment;
    this.armed = [...faults];
  }

  async point(point: Point, pid: number): Promise<Answer> {
    this.events.add(point, pid);
    if (point.what === "store" && point.when === "after") await this.environment.immutability.look(point.key);
    const moment = momentOf(point);
    if (!moment || !point.attempt) return GO;
    if (moment === "begin" && (await this.freshen(point.attempt, pid))) return GO;
    const put = this.take(moment, point.attempt, pid, false);
    if (!put) return GO;
    const { answer, inflict } = FAULTS[put.fault.kind];
    if (answer) {
      this.watch(put);
      return answer(put.fault);
    }
    if (inflict) await this.inflict(put, inflict, point);
    return GO;
  }

  async before(request: ProxiedRequest): Promise<Treatment> {
    const { attempt } = request;
    if (!attempt) return "pass";
    const point: Point = { what: "store", when: "before", ...request };
    const pid = this.pidOf(attempt);
    this.events.add(point, pid);
    const moment = momentOf(point);
    if (!moment) return "pass";
    const again = this.again(moment, attempt);
    if (again) return again;
    const put = this.take(moment, attempt, pid, true);
    if (!put) return "pass";
    const { treatment, inflict } = FAULTS[put.fault.kind];
    if (treatment) {
      const { treatment: chosen, requests } = treatment(put.fault);
      this.treating = { put, treatment: chosen, left: requests };
      this.watch(put);
      return this.again(moment, attempt) as Treatment;
    }
    if (inflict) await this.inflict(put, inflict, point);
    return "pass";
  }

  async after(request: ProxiedRequest): Promise<void> {
    const { attempt } = request;
    if (!attempt) return;
    await this.point({ what: "store", when: "after", ...request }, this.pidOf(attempt));
  }

  unreachable({ attempt }: ProxiedRequest): void {
    if (this.active && attempt?.stage === this.active.fault.stage) this.active.seen["unreachable"] = true;
  }

  /** Resolves when nothing is being done any more. */
  async settled(): Promise<void> {
    this.armed.length = 0;
    while (this.doing.size > 0) await Promise.all(this.doing);
  }

  /** Faults of which the record shows that they landed. */
  landed(): Put[] {
    return this.puts.filter((put) => FAULTS[put.fault.kind].landed(this.events, put));
  }

  /** Some faults can only meet a stage in a worker that has just started: kills the one that comes to it, once for each. */
  private async freshen({ stage }: Attempt, pid: number): Promise<boolean> {
    const fault = this.active
      ? undefined
      : this.armed.find((armed) => armed.fresh && armed.stage === stage && !this.freshened.has(armed));
    if (!fault) return false;
    this.freshened.set(fault, pid);
    if (fault.fresh === "machine") await this.environment.loseMachine(pid);
    else signal(pid, "SIGKILL");
    return true;
  }

  private take(moment: Moment, attempt: Attempt, pid: number, request: boolean): Put | undefined {
    if (this.active) return undefined;
    const fault = this.armed.find(
      (armed) => this.fits(armed, moment, attempt, request) && this.isFresh(armed, pid),
    );
    if (!fault) return undefined;
    const met = (this.met.get(fault) ?? 0) + 1;
    this.met.set(fault, met);
    if (met < fault.nth) return undefined;
    this.armed.splice(this.armed.indexOf(fault), 1);
    const put: Put = {
      fault,
      attempt,
      pid,
      at: this.events.count,
      seen: {},
      isOpen: () => this.events.isOpen(attempt, pid),
    };
    this.puts.push(put);
    this.active = put;
    return put;
  }

  private fits(fault: Fault, moment: Moment, attempt: Attempt, request: boolean): boolean {
    const { kind, stage, moment: wanted } = fault;
    if (stage !== attempt.stage || wanted !== moment) return false;
    return (
      (request ? FAULTS[kind].answer : FAULTS[kind].treatment) === undefined &&
      (KINDS[kind].meets?.(attempt) ?? true)
    );
  }

  /** The one that is about to end may still begin another attempt. */
  private isFresh(fault: Fault, pid: number): boolean {
    return !fault.fresh || (this.freshened.get(fault) ?? pid) !== pid;
  }

  /** The point is held while it is done, except where it comes some time later. */
  private inflict(
    put: Put,
    inflict: NonNullable<(typeof FAULTS)[Fault["kind"]]["inflict"]>,
    { what }: Point,
  ): Promise<void> {
    const delayMs = what === "begin" ? put.fault.delayMs : 0;
    const doing = (async () => {
      if (delayMs > 0) await sleep(delayMs);
      put.at = this.events.count;
      return inflict(this.environment, put);
    })();
    this.watch(
      put,
      doing.then((followUp) => {
        if (FAULTS[put.fault.kind].meanwhile) this.release(put);
        return followUp?.();
      }),
    );
    return delayMs > 0
      ? Promise.resolve()
      : doing.then(
          () => undefined,
          () => undefined,
        );
  }

  private watch(put: Put, doing: Promise<void> = Promise.resolve()): void {
    const watching = doing
      .then(async () => {
        for (const deadline = Date.now() + SHOWN_MS; Date.now() < deadline && !this.isSettled(put);)
          await sleep(100);
      })
      .catch((error: unknown) => {
        this.failures.push(
          `${put.fault.kind} in ${put.fault.stage}: ${error instanceof Error ? error.message : String(error)}`,
        );
      })
      .finally(() => {
        this.release(put);
        this.doing.delete(watching);
      });
    this.doing.add(watching);
  }

  /** The next fault may come. */
  private release(put: Put): void {
    if (this.active !== put) return;
    this.active = undefined;
    this.treating = undefined;
  }

  /** It landed, or cannot any more: the attempt had ended before, or the activity is done. */
  private isSettled(put: Put): boolean {
    const { attempt, pid, at, fault } = put;
    return (
      FAULTS[fault.kind].landed(this.events, put) ||
      !this.events.isOpen(attempt, pid, at) ||
      this.events.succeeded(attempt, at)
    );
  }

  private again(moment: Moment, attempt: Attempt): Treatment | undefined {
    const { treating } = this;
    if (
      !treating ||
      treating.left === 0 ||
      treating.put.fault.moment !== moment ||
      !samePlace(treating.put.attempt, attempt)
    )
      return undefined;
    treating.left -= 1;
    treating.put.seen["requests"] = Number(treating.put.seen["requests"] ?? 0) + 1;
    return treating.treatment;
  }

  /** Requests do not say which process made them; the begin of their attempt does. */
  private pidOf(attempt: Attempt): number {
    const begun = this.events.list.findLast(
      ({ point }) =>
        point.what === "begin" &&
        samePlace(point.attempt, attempt) &&
        point.attempt.attempt === attempt.attempt,
    );
    return begun?.pid ?? -1;
  }
}
