// Which specs schedules need. Temporal has the schedules, and `prune` and `erase` see only the store, so each
// spec of a schedule has an object there, whose key says all. It is written before the schedule is created
// and deleted after it. If a process dies in between, a spec is kept for nothing.
import { exactBytes } from "../../store/exact-json.ts";
import {
  scheduledSpecKey,
  scheduledSpecOf,
  scheduledSpecsPrefix,
  SCHEDULES_PREFIX,
} from "../../store/layout.ts";
import type { Digest, Store } from "../../store/types.ts";

interface ScheduledSpec {
  schedule: string;
  spec: Digest;
}

export async function keepSpec({ backend }: Store, { schedule, spec }: ScheduledSpec): Promise<void> {
  const bytes = exactBytes({ schema: "ratchet.scheduled-spec/1", schedule, spec });
  await backend.putIfAbsent(scheduledSpecKey(schedule, spec), bytes);
}

export async function dropSpec({ backend }: Store, { schedule, spec }: ScheduledSpec): Promise<void> {
  await backend.delete(scheduledSpecKey(schedule, spec));
}

export async function dropSpecs({ backend }: Store, schedule: string): Promise<void> {
  for await (const key of backend.list(scheduledSpecsPrefix(schedule))) await backend.delete(key);
}

export async function* scheduledSpecs({ backend }: Store): AsyncGenerator<ScheduledSpec> {
  for await (const key of backend.list(SCHEDULES_PREFIX)) {
    const found = scheduledSpecOf(key);
    if (found) yield found;
  }
}
