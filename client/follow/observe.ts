// A snapshot of a running campaign from Temporal: its stages, the newest heartbeats of their activities, and
// what it waits for.
import { campaignWorkflowId, placeName, placeWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import { TRAININGS } from "../../campaign/rules.ts";
import type { Place, Plan, StageName } from "../../campaign/types.ts";
import type { CampaignProgress, StageProgress } from "../../workflows/messages.ts";
import type { Gateway, PendingActivity, RunStatus } from "../../temporal/gateway.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import { retryingOf } from "./retrying.ts";
import type { Retrying } from "./retrying.ts";
import { activitiesWaiting, workflowWaiting } from "./waiting.ts";
import type { Waiting } from "./waiting.ts";

type Progress = NonNullable<Heartbeat["progress"]>;

/** One running stage. */
export interface StageView {
  /** `it-0003.1` */
  place: string;
  stage: StageName;
  shardsDone: number;
  shardsTotal: number;
  startedAtMs: number;
  /** Share of the stage that is done, from 0 to 0.99: a stage that runs has still to commit its result. */
  fraction: number;
  /** Sums over the running activities, in the unit of their heartbeats (`steps`, `pieces`, `completions`). */
  counted?: { done: number; total: number; unit: string; activities: number };
  /** Newest values worth showing, e.g. loss. */
  values: Record<string, number>;
  /** Most attempts of one running activity. */
  attempt: number;
  /** Why an earlier attempt failed. */
  lastFailure?: string;
}

export interface Observation {
  /** Absent if this server does not know the campaign. */
  run?: RunStatus;
  progress?: CampaignProgress;
  stages: StageView[];
  waiting: Waiting[];
  retrying: Retrying[];
}

/** Longest wait for a worker's answer to a query. */
const ANSWER_MS = 3_000;

export async function observe(gateway: Gateway, campaignId: string, plan: Plan): Promise<Observation> {
  const run = await gateway.run(campaignWorkflowId(campaignId));
  if (run?.status !== "running") return { run: run?.status, stages: [], waiting: [], retrying: [] };

  const pollers = await gateway.pollers(WORKFLOW_QUEUE);
  const progress = pollers.length === 0 ? undefined : await gateway.progress(campaignId, ANSWER_MS);
  if (!progress) {
    return {
      run: run.status,
      stages: [],
      waiting: [workflowWaiting(run, pollers)],
      retrying: retryingOf(run.pending),
    };
  }

  const places = await Promise.all(progress.running.map((place) => observePlace(gateway, campaignId, place)));
  const pending = [...run.pending, ...places.flatMap((place) => place.pending)];
  return {
    run: run.status,
    progress,
    stages: places.flatMap(({ view }) => view ?? []),
    waiting: await activitiesWaiting(gateway, pending, plan),
    retrying: [
      ...retryingOf(run.pending),
      ...places.flatMap(({ place, pending: own }) => retryingOf(own, place)),
    ],
  };
}

async function observePlace(
  gateway: Gateway,
  campaignId: string,
  place: Place,
): Promise<{ place: string; view: StageView | undefined; pending: PendingActivity[] }> {
  const workflowId = placeWorkflowId(campaignId, place);
  // One after the other: a shard that finishes in between is counted neither as finished nor as running.
  // Asked the other way around, it would be counted twice.
  const stage = await gateway.stageProgress(workflowId, ANSWER_MS);
  const pending = (await gateway.run(workflowId))?.pending ?? [];
  return { place: placeName(place), pending, view: stage ? stageView(stage, pending) : undefined };
}

function stageView(
  { place, stage, shardsDone, shardsTotal, startedAtMs }: StageProgress,
  pending: readonly PendingActivity[],
): StageView {
  // Stages of one place run side by side: only this one's activities count.
  const own = pending.filter(({ type }) => type === activityOf(stage));
  const beats = own.flatMap(({ heartbeat }) => heartbeat?.progress ?? []);
  const running = beats.reduce((sum, beat) => sum + fractionOf(beat), 0);
  return {
    place: placeName(place),
    stage,
    shardsDone,
    shardsTotal,
    startedAtMs,
    fraction: Math.min(MOST, (shardsDone + running) / Math.max(1, shardsTotal)),
    counted: countedIn(beats),
    values: Object.assign({}, ...beats.map(({ values }) => values ?? {})) as Record<string, number>,
    attempt: Math.max(1, ...own.map(({ attempt }) => attempt)),
    lastFailure: own.find(({ lastFailure }) => lastFailure)?.lastFailure,
  };
}

/** Shown as 99 %: the seal of a fan-out, or the upload of a checkpoint, is still to come. */
export const MOST = 0.99;

/** Type of the activities that do the stage's work. `seal`, which closes every fan-out, is another one. */
const activityOf = (stage: StageName): string =>
  (TRAININGS as readonly string[]).includes(stage) ? "train" : stage;

/** A worker of an older build gives no fraction; its batches of the reference say nothing about the steps. */
function fractionOf({ done, total, unit, fraction }: Progress): number {
  if (fraction !== undefined) return fraction;
  return total > 0 && unit !== "reference batches" ? done / total : 0;
}

/** Only activities that count in the unit of the first are summed. */
function countedIn(beats: readonly Progress[]): StageView["counted"] {
  const [first] = beats;
  if (!first) return undefined;
  const { unit } = first;
  const counted = { unit, done: 0, total: 0, activities: 0 };
  for (const beat of beats) {
    if (beat.unit !== unit) continue;
    counted.done += beat.done;
    counted.total += beat.total;
    counted.activities += 1;
  }
  return counted;
}
