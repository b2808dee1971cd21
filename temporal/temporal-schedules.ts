// Temporal's schedules on the SDK. The memo of a schedule has what lists show: the server compiles cron
// expressions into calendars, and does not list the input of workflows.
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from "@temporalio/client";
import type { Client, ScheduleHandle, ScheduleOptions } from "@temporalio/client";
import { firingWorkflowId, scheduleOf, temporalScheduleId, WORKFLOW_QUEUE } from "../campaign/ids.ts";
import { RatchetError } from "../errors/index.ts";
import { firingOf } from "./firing-run.ts";
import { scheduleExists } from "./schedules.ts";
import type { NewSchedule, Overlap, ScheduleDescription, Schedules, ScheduleSummary } from "./schedules.ts";

/** Makes a call of the gateway: with a deadline, and with our errors. */
type Call = <T>(work: () => Promise<T>) => Promise<T>;

type Facts = Omit<ScheduleSummary, "paused" | "note" | "next">;

type Policy = Uppercase<"skip" | "buffer_one" | "buffer_all" | "cancel_other" | "allow_all">;
const policyOf = (overlap: Overlap): Policy => overlap.toUpperCase().replace("-", "_") as Policy;
const overlapOf = (policy: string): Overlap => policy.toLowerCase().replace("_", "-") as Overlap;

export class TemporalSchedules implements Schedules {
  private readonly client: Client;
  private readonly call: Call;

  constructor(client: Client, call: Call) {
    this.client = client;
    this.call = call;
  }

  async create(created: NewSchedule): Promise<ScheduleDescription> {
    const { schedule } = created.scheduled;
    await this.call(() => this.client.schedule.create(optionsOf(created))).catch((error: unknown) => {
      throw refused(schedule, error);
    });
    const described = await this.describe(schedule);
    if (described.next.length > 0) return described;
    await this.delete(schedule);
    throw new RatchetError("schedule_never_fires", `no time fits ${(created.cron ?? []).join(", ")}`, {
      hint: "nothing was created; a day that no month has, or a year that is over, never comes",
    });
  }

  async *list(): AsyncGenerator<ScheduleSummary> {
    const found = this.client.schedule.list()[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.call(() => found.next());
      if (done) return;
      const facts = factsOf(value.memo);
      if (scheduleOf(value.scheduleId) !== undefined && facts)
        yield { ...facts, ...stateOf(value.state), next: value.info.nextActionTimes };
    }
  }

  async describe(schedule: string): Promise<ScheduleDescription> {
    const { memo, state, policies, info } = await this.with(schedule, (handle) => handle.describe());
    const facts = factsOf(memo);
    if (!facts) throw this.unknown(schedule);
    const { recentActions, numActionsTaken, numActionsSkippedOverlap, numActionsMissedCatchupWindow } = info;
    return {
      ...facts,
      ...stateOf(state),
      next: info.nextActionTimes,
      overlap: overlapOf(policies.overlap ?? "SKIP"),
      catchUpMs: policies.catchupWindow,
      pauseOnFailure: policies.pauseOnFailure,
      createdAt: info.createdAt,
      fired: numActionsTaken,
      skipped: numActionsSkippedOverlap,
      missed: numActionsMissedCatchupWindow,
      firings: await Promise.all(
        recentActions.map((action) => this.call(() => firingOf(this.client, schedule, action))),
      ),
    };
  }

  pause(schedule: string, note: string): Promise<void> {
    return this.with(schedule, (handle) => handle.pause(note));
  }

  resume(schedule: string, note: string): Promise<void> {
    return this.with(schedule, (handle) => handle.unpause(note));
  }

  async trigger(schedule: string): Promise<void> {
    // The SDK's default for a trigger is to allow all.
    const { policies } = await this.with(schedule, (handle) => handle.describe());
    await this.with(schedule, (handle) => handle.trigger(policies.overlap));
  }

  backfill(schedule: string, range: { from: Date; to: Date; overlap: Overlap }): Promise<void> {
    const { from: start, to: end, overlap } = range;
    return this.with(schedule, (handle) => handle.backfill({ start, end, overlap: policyOf(overlap) }));
  }

  delete(schedule: string): Promise<void> {
    return this.with(schedule, (handle) => handle.delete());
  }

  private async with<T>(schedule: string, work: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
    const handle = this.client.schedule.getHandle(temporalScheduleId(schedule));
    try {
      return await this.call(() => work(handle));
    } catch (error) {
      throw error instanceof ScheduleNotFoundError ? this.unknown(schedule) : error;
    }
  }

  private unknown(schedule: string): RatchetError {
    const { namespace } = this.client.options;
    const message = `namespace ${namespace} has no schedule ${schedule} of Ratchet`;
    return new RatchetError("schedule_unknown", message, { hint: "ratchet schedule list shows them" });
  }
}

function optionsOf({
  scheduled,
  overlap,
  catchUpMs,
  pauseOnFailure,
  ...timing
}: NewSchedule): ScheduleOptions {
  const { schedule, storeName, name, id } = scheduled;
  const { cron, everyMs, timeZone, jitterMs } = timing;
  const { sources: _notListed, ...listed } = scheduled;
  return {
    scheduleId: temporalScheduleId(schedule),
    spec: {
      cronExpressions: cron,
      intervals: everyMs === undefined ? [] : [{ every: everyMs }],
      timezone: timeZone,
      jitter: jitterMs,
    },
    action: {
      type: "startWorkflow",
      workflowType: "firing",
      workflowId: firingWorkflowId(schedule),
      taskQueue: WORKFLOW_QUEUE,
      args: [scheduled],
      memo: { store: storeName },
      staticSummary: `${name} as ${id}`,
    },
    policies: { overlap: policyOf(overlap), catchupWindow: catchUpMs, pauseOnFailure },
    memo: { ratchet: { ...listed, ...timing } satisfies Facts },
  };
}

/** Undefined for a schedule of another program. */
const factsOf = (memo: Record<string, unknown> | undefined): Facts | undefined =>
  memo?.["ratchet"] as Facts | undefined;

/** The server keeps an empty note for none. */
const stateOf = ({
  paused,
  note,
}: {
  paused: boolean;
  note?: string;
}): { paused: boolean; note?: string } => ({
  paused,
  note: note || undefined,
});

/** The SDK throws a TypeError for a cron expression or a time zone that the server does not understand. */
function refused(schedule: string, error: unknown): unknown {
  if (error instanceof ScheduleAlreadyRunning) return scheduleExists(schedule);
  return error instanceof TypeError
    ? new RatchetError("schedule_invalid", `the server refuses the schedule: ${error.message}`, {
        hint: "a cron expression has five fields: minute, hour, day of the month, month, day of the week",
      })
    : error;
}
