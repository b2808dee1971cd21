// Applies the faults of one campaign. Waits for the stage and moment of each fault, holds the operation,
// applies the fault, and watches the log until it shows that the fault landed. One fault at a time, so that
// its effects can be attributed to it.
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosEnvironment, Watcher } from "./environment.ts";
import { Events } from "./events.ts";
import { FAULTS } from "./faults.ts";
import type { AppliedFault } from "./faults.ts";
import { KINDS } from "./pairs.ts";
import type { Moment } from "./pairs.ts";
import type { Fault } from "./plan.ts";
import { GO, mayBeHit, momentOf, samePlace } from "./points.ts";
import type { Answer, Attempt, Point } from "./points.ts";
import { signal } from "./processes.ts";
import type { ProxiedRequest, Treatment } from "./s3-proxy.ts";

/**
 * After this long the next fault may come, even if this one has not landed yet; it may still land before the
 * campaign ends.
 */
const LANDED_WITHIN_MS = 25_000;

export class Scheduler implements Watcher {
  readonly events = new Events();
  readonly appliedFaults: AppliedFault[] = [];
  /** Errors while a fault was applied: failures of the environment, not of the campaign. */
  readonly failures: string[] = [];
  private readonly environment: ChaosEnvironment;
  private readonly armed: Fault[];
  private readonly met = new Map<Fault, number>();
  /** The process that was killed so that the fault finds a new worker. */
  private readonly freshened = new Map<Fault, number>();
  private active: AppliedFault | undefined;
  /** A fault that hits several requests in a row. */
  private treating: { applied: AppliedFault; treatment: Treatment; left: number } | undefined;
  private readonly doing = new Set<Promise<void>>();

  constructor(environment: ChaosEnvironment, faults: readonly Fault[]) {
    this.environment = environment;
    this.armed = [...faults];
  }

  async point(point: Point, pid: number): Promise<Answer> {
    this.events.add(point, pid);
    if (point.what === "begin" && point.attempt.type === "countLabels") await this.environment.crowd?.begin();
    if (point.what === "store" && point.when === "after")
      await this.environment.immutability.record(point.key);
    const moment = momentOf(point);
    if (!moment || !point.attempt) return GO;
    if (moment === "begin" && (await this.freshen(point.attempt, pid))) return GO;
    const applied = this.take(moment, point.attempt, pid, false);
    if (!applied) return GO;
    const { answer, apply } = FAULTS[applied.fault.kind];
    if (answer) {
      this.watch(applied);
      return answer(applied.fault);
    }
    if (apply) await this.apply(applied, apply, point);
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
    const applied = this.take(moment, attempt, pid, true);
    if (!applied) return "pass";
    const { treatment, apply } = FAULTS[applied.fault.kind];
    if (treatment) {
      const { treatment: chosen, requests } = treatment(applied.fault);
      this.treating = { applied, treatment: chosen, left: requests };
      this.watch(applied);
      return this.again(moment, attempt) as Treatment;
    }
    if (apply) await this.apply(applied, apply, point);
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

  /** Resolves when no fault is being applied or watched. */
  async settled(): Promise<void> {
    this.armed.length = 0;
    while (this.doing.size > 0) await Promise.all(this.doing);
  }

  /** Faults that landed, as the log shows. */
  landed(): AppliedFault[] {
    return this.appliedFaults.filter((applied) => FAULTS[applied.fault.kind].landed(this.events, applied));
  }

  /**
   * For a fault that needs a new worker or machine: kills the worker that begins the fault's stage, once per
   * fault.
   */
  private async freshen(attempt: Attempt, pid: number): Promise<boolean> {
    if (this.active || !mayBeHit(attempt, this.environment.labelers)) return false;
    const fault = this.armed.find(
      (armed) => armed.fresh && armed.stage === attempt.stage && !this.freshened.has(armed),
    );
    if (!fault) return false;
    this.freshened.set(fault, pid);
    if (fault.fresh === "machine") await this.environment.loseMachine(pid);
    else signal(pid, "SIGKILL");
    return true;
  }

  private take(moment: Moment, attempt: Attempt, pid: number, request: boolean): AppliedFault | undefined {
    if (this.active) return undefined;
    const fault = this.armed.find(
      (armed) => this.fits(armed, moment, attempt, request) && this.isFresh(armed, pid),
    );
    if (!fault) return undefined;
    const met = (this.met.get(fault) ?? 0) + 1;
    this.met.set(fault, met);
    if (met < fault.nth) return undefined;
    this.armed.splice(this.armed.indexOf(fault), 1);
    const applied: AppliedFault = {
      fault,
      attempt,
      pid,
      at: this.events.count,
      seen: {},
      isOpen: () => this.events.isOpen(attempt, pid),
    };
    this.appliedFaults.push(applied);
    this.active = applied;
    return applied;
  }

  private fits(fault: Fault, moment: Moment, attempt: Attempt, request: boolean): boolean {
    const { kind, stage, moment: wanted } = fault;
    if (stage !== attempt.stage || wanted !== moment) return false;
    if (!mayBeHit(attempt, this.environment.labelers)) return false;
    return (
      (request ? FAULTS[kind].answer : FAULTS[kind].treatment) === undefined &&
      (KINDS[kind].meets?.(attempt) ?? true)
    );
  }

  /** The worker that is being killed may still begin another attempt; that attempt does not count. */
  private isFresh(fault: Fault, pid: number): boolean {
    return !fault.fresh || (this.freshened.get(fault) ?? pid) !== pid;
  }

  /** Holds the point until the fault has been applied, unless the fault has a delay. */
  private apply(
    applied: AppliedFault,
    apply: NonNullable<(typeof FAULTS)[Fault["kind"]]["apply"]>,
    { what }: Point,
  ): Promise<void> {
    const delayMs = what === "begin" ? applied.fault.delayMs : 0;
    const doing = (async () => {
      if (delayMs > 0) await sleep(delayMs);
      applied.at = this.events.count;
      return apply(this.environment, applied);
    })();
    this.watch(
      applied,
      doing.then((followUp) => {
        if (FAULTS[applied.fault.kind].meanwhile) this.release(applied);
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

  private watch(applied: AppliedFault, doing: Promise<void> = Promise.resolve()): void {
    const watching = doing
      .then(async () => {
        for (
          const deadline = Date.now() + LANDED_WITHIN_MS;
          Date.now() < deadline && !this.isSettled(applied);
        )
          await sleep(100);
      })
      .catch((error: unknown) => {
        const { kind, stage } = applied.fault;
        this.failures.push(`${kind} in ${stage}: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        this.release(applied);
        this.doing.delete(watching);
      });
    this.doing.add(watching);
  }

  /** The next fault may come. */
  private release(applied: AppliedFault): void {
    if (this.active !== applied) return;
    this.active = undefined;
    this.treating = undefined;
  }

  /** The fault landed, or no longer can: the attempt had ended before it, or the activity has succeeded. */
  private isSettled(applied: AppliedFault): boolean {
    const { attempt, pid, at, fault } = applied;
    return (
      FAULTS[fault.kind].landed(this.events, applied) ||
      !this.events.isOpen(attempt, pid, at) ||
      this.events.succeeded(attempt, at)
    );
  }

  private again(moment: Moment, attempt: Attempt): Treatment | undefined {
    const { treating } = this;
    if (
      !treating ||
      treating.left === 0 ||
      treating.applied.fault.moment !== moment ||
      !samePlace(treating.applied.attempt, attempt)
    )
      return undefined;
    treating.left -= 1;
    treating.applied.seen["requests"] = Number(treating.applied.seen["requests"] ?? 0) + 1;
    return treating.treatment;
  }

  /** The process of a request: the one in which its attempt began. */
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
