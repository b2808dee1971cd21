// One chaos campaign, from an empty folder to its verdict.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChaosEnvironment, CAMPAIGN } from "./environment.ts";
import type { Tools } from "./environment.ts";
import { readCampaign } from "../../client/record/record.ts";
import { check } from "./check.ts";
import type { Verdict } from "./check.ts";
import { committed, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import type { Kind, Stage, StoreKind } from "./pairs.ts";
import { momentName } from "./plan.ts";
import type { Fault, Moments } from "./plan.ts";
import { momentOf } from "./points.ts";
import type { Events } from "./events.ts";
import type { AppliedFault } from "./faults.ts";
import { Scheduler } from "./scheduler.ts";

/** Longer than all faults of a campaign together can delay it, on a busy machine. */
const END_MS = 20 * 60_000;

export interface CampaignResult extends Verdict {
  seed: number;
  store: StoreKind;
  /** Its position in the seed's plan. */
  index: number;
  /** All planned faults. `met`: the moment of the fault came. */
  faults: { kind: Kind; stage: Stage; met: boolean; landed: boolean; seen: Record<string, unknown> }[];
  seconds: number;
}

/** Expected results, from a campaign without faults. */
export interface Undisturbed {
  outcome: Outcome;
  moments: Moments;
}

export interface RunSettings {
  seed: number;
  store: StoreKind;
  tools: Tools;
  /** Folder of this run; each campaign has one below it. */
  folder: string;
}

export async function undisturbedRun({ seed, store, tools, folder }: RunSettings): Promise<Undisturbed> {
  const environment = await ChaosEnvironment.open(join(folder, "undisturbed"), { seed, kind: store, tools });
  try {
    const { events } = (environment.watcher = new Scheduler(environment, []));
    await environment.start();
    const status = await environment.ended(END_MS);
    if (status !== "completed")
      throw new Error(`undisturbed, ${(await unfinished(environment, status)).problems.join("; ")}`);
    return { outcome: outcomeOf(await committed(environment.records)), moments: countMoments(events) };
  } finally {
    await environment.close();
    environment.remove();
  }
}

function countMoments({ list }: Events): Moments {
  const counts: Moments = {};
  for (const { point } of list) {
    const moment = momentOf(point);
    if (!moment || !point.attempt) continue;
    const name = momentName(point.attempt.stage, moment);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

export async function chaosCampaign(
  settings: RunSettings,
  index: number,
  faults: readonly Fault[],
  undisturbed: Outcome,
): Promise<CampaignResult> {
  const { seed, store, tools } = settings;
  const startedAt = Date.now();
  const folder = join(settings.folder, `campaign-${index}`);
  const environment = await ChaosEnvironment.open(folder, { seed, kind: store, tools });
  let sound = false;
  try {
    const scheduler = new Scheduler(environment, faults);
    environment.watcher = scheduler;
    const refused = await environment.start().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (refused === undefined) await environment.ended(END_MS);
    await scheduler.settled();
    // Asked again: a fault that was applied at the end, such as a power failure, starts the campaign again.
    const status = refused === undefined ? await environment.ended(END_MS) : undefined;
    const landed = new Set(scheduler.landed());
    if (refused !== undefined) scheduler.failures.push(`the campaign could not be started: ${refused}`);
    const verdict =
      status === "completed"
        ? await check(
            environment.records,
            undisturbed,
            scheduler.events,
            scheduler.appliedFaults,
            environment.immutability,
          )
        : await unfinished(environment, status);
    verdict.problems.unshift(...scheduler.failures);
    sound = verdict.problems.length === 0;
    if (!sound)
      writeFileSync(
        join(folder, "events.jsonl"),
        scheduler.events.list.map((event) => `${JSON.stringify(event)}\n`).join(""),
      );
    return {
      seed,
      store,
      index,
      ...verdict,
      faults: faults.map((fault) => {
        const applied = scheduler.appliedFaults.find((each) => each.fault === fault);
        return {
          kind: fault.kind,
          stage: fault.stage,
          met: applied !== undefined,
          landed: applied !== undefined && landed.has(applied),
          seen: applied ? { ...applied.seen, ...recovery(scheduler.events, applied) } : {},
        };
      }),
      seconds: Math.round((Date.now() - startedAt) / 100) / 10,
    };
  } finally {
    await environment.close();
    // The folder of a failed campaign stays for its reader.
    if (sound) environment.remove();
  }
}

/** From the kill to the first new piece, checkpoint or result of the interrupted activity. */
function recovery(events: Events, { attempt, at, seen }: AppliedFault): { recoverySeconds?: number } {
  const [killedAtMs, newAtMs] = [seen["killedAtMs"], events.newWorkAtMs(attempt, at)];
  return typeof killedAtMs === "number" && newAtMs !== undefined
    ? { recoverySeconds: (newAtMs - killedAtMs) / 1000 }
    : {};
}

async function unfinished(
  { records, supervisorLines }: ChaosEnvironment,
  status: string | undefined,
): Promise<Verdict> {
  const failure = (
    await readCampaign(records, CAMPAIGN).catch((error: Error) => ({
      record: { failure: { code: "unreadable", message: error.message } },
    }))
  )?.record.failure;
  const why = failure ? `${failure.code}: ${failure.message}` : supervisorLines.slice(-3).join("; ");
  return {
    problems: [`the campaign did not complete (${status ?? "it did not end"}): ${why}`],
    lost: 0,
    doubled: 0,
    digestEqual: false,
    recomputed: { pieces: 0, steps: 0 },
  };
}
