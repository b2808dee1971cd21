// The part of Temporal's schedules that the client uses, as an interface without gRPC. temporal-schedules.ts
// implements it on the SDK.
import type { ScheduledCampaign } from "../campaign/types.ts";
import { RatchetError } from "../errors/index.ts";
import type { RunStatus } from "./gateway.ts";

/** What a firing does while the one before it still runs. */
export const OVERLAPS = ["skip", "buffer-one", "buffer-all", "cancel-other", "allow-all"] as const;
export type Overlap = (typeof OVERLAPS)[number];

/** When a schedule fires: by `cron` or every `everyMs`. */
export interface Timing {
  cron?: string[];
  everyMs?: number;
  /** IANA name; of `cron` and of the dates in ids. */
  timeZone: string;
  /** Each firing is late by a random time up to this one. */
  jitterMs?: number;
}

export interface SchedulePolicies {
  overlap: Overlap;
  /** Firings that an outage of the server delayed by more than this are missed. */
  catchUpMs: number;
  /** A failed campaign pauses the schedule. */
  pauseOnFailure: boolean;
}

export interface NewSchedule extends Timing, SchedulePolicies {
  scheduled: ScheduledCampaign;
}

export interface ScheduleSummary extends Timing, Omit<ScheduledCampaign, "sources"> {
  paused: boolean;
  /** Who paused or resumed it, and why. */
  note?: string;
  /** The next firings. */
  next: Date[];
}

export interface Firing {
  /** The scheduled time, without jitter. */
  at: Date;
  startedAt: Date;
  workflowId: string;
  /** Absent if the server has forgotten the workflow. */
  status?: RunStatus;
  failure?: { code: string; message: string };
}

export interface ScheduleDescription extends ScheduleSummary, SchedulePolicies {
  createdAt: Date;
  /** Counts since its creation. */
  fired: number;
  skipped: number;
  missed: number;
  /** The last ten at most, the oldest first. */
  firings: Firing[];
}

export const scheduleExists = (schedule: string): RatchetError =>
  new RatchetError("schedule_exists", `there is a schedule ${schedule}`, {
    hint: `delete it first (ratchet schedule delete ${schedule}), or name the new one with --id`,
  });

/** Calls throw temporal_unreachable if the server does not answer, and schedule_unknown. */
export interface Schedules {
  /** Throws schedule_exists, schedule_invalid, or schedule_never_fires, which leaves none behind. */
  create(schedule: NewSchedule): Promise<ScheduleDescription>;
  /** Of Ratchet, in the namespace. A new one is listed after some seconds. */
  list(): AsyncGenerator<ScheduleSummary>;
  describe(schedule: string): Promise<ScheduleDescription>;
  pause(schedule: string, note: string): Promise<void>;
  resume(schedule: string, note: string): Promise<void>;
  /** Fires now, by the schedule's overlap policy. */
  trigger(schedule: string): Promise<void>;
  /** Fires for each time of the schedule from one moment to another, both included. */
  backfill(schedule: string, range: { from: Date; to: Date; overlap: Overlap }): Promise<void>;
  delete(schedule: string): Promise<void>;
}
