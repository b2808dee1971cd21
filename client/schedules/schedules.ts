// Schedules of campaigns. `create` compiles and uploads the spec as `start` does; Temporal keeps the rest.
// Each firing is a workflow (workflows/firing.ts) that creates the campaign and waits for its end.
import { isCampaignId } from "../../campaign/ids.ts";
import { isTimeZone, scheduledId, templateProblem } from "../../campaign/schedule.ts";
import type { Compiled, CompileSummary } from "../../compile/index.ts";
import type { LoadedSpec } from "../../compile/spec-file/load.ts";
import { RatchetError } from "../../errors/index.ts";
import { requireGiven } from "../../start/given.ts";
import type { Store } from "../../store/types.ts";
import type {
  Firing,
  Overlap,
  ScheduleDescription,
  SchedulePolicies,
  Schedules,
  ScheduleSummary,
  Timing,
} from "../../temporal/schedules.ts";
import { scheduleExists } from "../../temporal/schedules.ts";
import { dropSpec, dropSpecs, keepSpec } from "./scheduled-specs.ts";

export interface CreateScheduleOptions extends Partial<Timing>, Partial<SchedulePolicies> {
  /** Id of the schedule; by default the spec's name. */
  schedule?: string;
  /** Template of the campaigns' ids; by default `<schedule>-{{date}}`. */
  campaignId?: string;
  /** By default the spec's. The campaigns of a schedule have the same seed. */
  seed?: number;
  /** Also call modules that use the network. */
  callModules?: boolean;
  /** Gets what the checks found. */
  onChecked?: (summary: CompileSummary) => void;
}

export interface FiringView extends Firing {
  campaignId: string;
}

export interface ScheduleView extends Omit<ScheduleDescription, "firings"> {
  firings: FiringView[];
  /** Ids that the next firings will make. */
  nextIds: string[];
}

interface WhoAndWhy {
  why?: string;
  by?: string;
}

const HOUR_MS = 3_600_000;
/** After any other error, the schedule may exist. */
const NOT_CREATED = new Set(["schedule_never_fires", "schedule_invalid"]);

type Compile = (
  loaded: LoadedSpec,
  options: { seed: number | undefined; callModules: boolean },
) => Promise<Compiled>;

export class CampaignSchedules {
  private readonly store: Store;
  private readonly schedules: Schedules;
  private readonly whoAmI: string;
  private readonly compile: Compile;

  constructor(store: Store, schedules: Schedules, whoAmI: string, compile: Compile) {
    this.store = store;
    this.schedules = schedules;
    this.whoAmI = whoAmI;
    this.compile = compile;
  }

  /** By default: UTC, firings are skipped while one runs, an hour of catch-up, paused by a failure. */
  async create(loaded: LoadedSpec, options: CreateScheduleOptions): Promise<ScheduleView> {
    const { schedule = loaded.spec.name, seed, callModules = false, onChecked, ...times } = options;
    const { campaignId: id = `${schedule}-{{date}}`, timeZone = "UTC", ...more } = times;
    const timing = { ...more, timeZone };
    requireValid(schedule, id, timing);
    await this.requireNew(schedule);
    await this.store.proveWrites();
    const { specDigest, summary } = await this.compile(loaded, { seed, callModules });
    onChecked?.(summary);
    await keepSpec(this.store, { schedule, spec: specDigest });
    await requireGiven(this.store, schedule, specDigest);
    const { name } = loaded.spec;
    const { sources } = summary;
    const scheduled = { schedule, storeName: this.store.name, specDigest, name, id, timeZone, sources };
    const policies = { overlap: "skip", catchUpMs: HOUR_MS, pauseOnFailure: true } as const;
    try {
      return viewOf(await this.schedules.create({ ...policies, ...timing, scheduled }));
    } catch (error) {
      const { code = "" } = error as { code?: string };
      if (NOT_CREATED.has(code)) await dropSpec(this.store, { schedule, spec: specDigest });
      throw error;
    }
  }

  /** Of all stores in the Temporal namespace. */
  list(): AsyncGenerator<ScheduleSummary> {
    return this.schedules.list();
  }

  async describe(schedule: string): Promise<ScheduleView> {
    return viewOf(await this.schedules.describe(schedule));
  }

  async pause(schedule: string, who?: WhoAndWhy): Promise<void> {
    await this.schedules.pause(schedule, this.note("paused", who));
  }

  async resume(schedule: string, who?: WhoAndWhy): Promise<void> {
    await this.schedules.resume(schedule, this.note("resumed", who));
  }

  /** Fires now, by the overlap policy, also if the schedule is paused. */
  async trigger(schedule: string): Promise<void> {
    await this.schedules.trigger(schedule);
  }

  /** Fires for each time of the schedule in the range; by default one campaign after the other. */
  async backfill(
    schedule: string,
    { from, to, overlap = "buffer-all" }: { from: Date; to: Date; overlap?: Overlap },
  ): Promise<void> {
    if (from > to)
      throw new RatchetError(
        "usage_invalid",
        `the backfill ends at ${to.toISOString()}, before it begins at ${from.toISOString()}`,
      );
    await this.schedules.backfill(schedule, { from, to, overlap });
  }

  /** Deletes the schedule. Its campaigns stay, and one that runs goes on. */
  async delete(schedule: string): Promise<void> {
    await this.schedules.delete(schedule);
    await dropSpecs(this.store, schedule);
  }

  /** Asked before the upload, which may be large. */
  private async requireNew(schedule: string): Promise<void> {
    const found = await this.schedules.describe(schedule).catch((error: unknown) => {
      if ((error as { code?: string }).code === "schedule_unknown") return undefined;
      throw error;
    });
    if (found) throw scheduleExists(schedule);
  }

  private note(what: string, { why = "", by = this.whoAmI }: WhoAndWhy = {}): string {
    return `${what} by ${by}${why && `: ${why}`}`;
  }
}

function requireValid(schedule: string, id: string, { timeZone, cron = [], everyMs }: Timing): void {
  if (!isCampaignId(schedule))
    throw new RatchetError("address_invalid", `${JSON.stringify(schedule)} is no id of a schedule`, {
      hint: "lower-case letters, digits, dot, - and _, at most 63, the first a letter or digit",
    });
  const problem = templateProblem(id);
  if (problem) throw new RatchetError("schedule_invalid", problem.message, { hint: problem.hint });
  if (!isTimeZone(timeZone))
    throw new RatchetError("time_zone_unknown", `${JSON.stringify(timeZone)} is no time zone`, {
      hint: "an IANA name: UTC, Europe/Berlin, America/New_York",
    });
  if (cron.length > 0 === (everyMs !== undefined))
    throw new RatchetError("schedule_invalid", "a schedule fires by a cron expression or by an interval", {
      hint: "give --cron or --every, not both",
    });
  if (everyMs !== undefined && !(everyMs >= 1_000 && everyMs % 1_000 === 0))
    throw new RatchetError("schedule_invalid", `${everyMs} ms is not whole seconds`);
}

function viewOf({ firings, ...described }: ScheduleDescription): ScheduleView {
  const idAt = (at: Date): string => scheduledId(described.id, at, described.timeZone);
  return {
    ...described,
    firings: firings.map((firing) => ({ ...firing, campaignId: idAt(firing.at) })),
    nextIds: described.next.map(idAt),
  };
}
