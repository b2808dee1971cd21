// One chaos campaign, from an empty folder to its verdict.
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ChaosEnvironment, CAMPAIGN } from "./environment.ts";
import type { Tools } from "./environment.ts";
import type { SealRow } from "../../campaign/labeling/types.ts";
import { readCampaign } from "../../client/record/record.ts";
import { createLabel } from "../../labels/label.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { keyAt } from "../../labels/standing.ts";
import { check } from "./check.ts";
import { listedRows, questionnaireIn } from "./check-labels.ts";
import type { Verdict } from "./check.ts";
import { committed, outcomeOf } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import type { Kind, Stage, StoreKind } from "./pairs.ts";
import { momentName } from "./plan.ts";
import type { Fault, Moments } from "./plan.ts";
import { mayBeHit, momentOf } from "./points.ts";
import type { Events } from "./events.ts";
import type { AppliedFault } from "./faults.ts";
import { sealNow } from "../support/questionnaire.ts";
import { until } from "./processes.ts";
import { Scheduler } from "./scheduler.ts";
import type { Labelers } from "./tiny-shop.ts";

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
  /** The labels that it was closed with, if it asked for any. */
  rows?: SealRow[] | undefined;
}

export interface RunSettings {
  seed: number;
  store: StoreKind;
  /** Default: nobody. */
  labelers?: Labelers;
  tools: Tools;
  /** Folder of this run; each campaign has one below it. */
  folder: string;
}

/** `rows`: the labels that the questionnaire is closed with; absent: people label. */
export async function undisturbedRun(
  { seed, store, labelers, tools, folder }: RunSettings,
  rows?: readonly SealRow[],
): Promise<Undisturbed> {
  const environment = await ChaosEnvironment.open(mkdtempSync(join(folder, "undisturbed-")), {
    seed,
    kind: store,
    labelers,
    tools,
  });
  try {
    const { events } = (environment.watcher = new Scheduler(environment, []));
    if (labelers === "people" && !rows) environment.invitePeople(() => events.count);
    await environment.start();
    if (rows) await closeWith(environment, rows);
    const status = await environment.ended(END_MS);
    if (status !== "completed")
      throw new Error(`undisturbed, ${(await unfinished(environment, status)).problems.join("; ")}`);
    return {
      outcome: outcomeOf(await committed(environment.records)),
      moments: countMoments(events, environment.labelers),
      rows: await listedRows(environment.records),
    };
  } finally {
    await environment.close();
    environment.remove();
  }
}

/** The given labels alone, whoever gave them, and the seal. */
async function closeWith(environment: ChaosEnvironment, rows: readonly SealRow[]): Promise<void> {
  const { records } = environment;
  let questionnaire: Questionnaire | undefined;
  await until("questionnaire", async () => (questionnaire = await questionnaireIn(records)) !== undefined);
  const asked = questionnaire as Questionnaire;
  for (const { comparison, slot, revision, choice, strength } of rows) {
    const given = { comparison, choice, strength, labeler: "ada", at: new Date().toISOString() };
    await createLabel(records.backend, keyAt(asked, { comparison, slot, revision }), {
      schema: "ratchet.labels/1",
      questionnaire: asked.digest,
      slot,
      revision,
      ...given,
    });
  }
  await sealNow(records, asked);
  await environment.tell();
}

function countMoments({ list }: Events, labelers: Labelers): Moments {
  const counts: Moments = {};
  for (const { point } of list) {
    const moment = momentOf(point);
    if (!moment || !point.attempt || !mayBeHit(point.attempt, labelers)) continue;
    const name = momentName(point.attempt.stage, moment);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

export async function chaosCampaign(
  settings: RunSettings,
  index: number,
  faults: readonly Fault[],
  /** What the campaign must end with; `rows`: the labels that it was closed with. */
  expected: (rows: readonly SealRow[] | undefined) => Promise<Outcome>,
): Promise<CampaignResult> {
  const { seed, store, labelers, tools } = settings;
  const startedAt = Date.now();
  const folder = join(settings.folder, `campaign-${index}`);
  const environment = await ChaosEnvironment.open(folder, { seed, kind: store, labelers, tools });
  let sound = false;
  try {
    const scheduler = new Scheduler(environment, faults);
    environment.watcher = scheduler;
    if (labelers === "people") environment.invitePeople(() => scheduler.events.count);
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
            await expected(await listedRows(environment.records)),
            scheduler.events,
            scheduler.appliedFaults,
            environment,
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
