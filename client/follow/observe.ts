// A snapshot of a running campaign from Temporal: its stages, the newest heartbeats of their activities, and
// what it waits for.
import { campaignWorkflowId, placeName, placeWorkflowId, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import type { Place, Plan, StageName } from "../../campaign/types.ts";
import type { CampaignProgress, StageProgress } from "../../workflows/messages.ts";
import type { Gateway, PendingActivity, RunStatus } from "../../temporal/gateway.ts";
import { retryingOf } from "./retrying.ts";
import type { Retrying } from "./retrying.ts";
import { activitiesWaiting, workflowWaiting } from "./waiting.ts";
import type { Waiting } from "./waiting.ts";

/** One running stage. */
export interface StageView {
  /** `it-0003.1` */
  place: string;
  stage: StageName;
  shardsDone: number;
  shardsTotal: number;
  startedAtMs: number;
  /** Share of the stage that is done, in [0, 1]. */
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
  const [stage, run] = await Promise.all([
    gateway.stageProgress(workflowId, ANSWER_MS),
    gateway.run(workflowId),
  ]);
  const pending = run?.pending ?? [];
  return { place: placeName(place), pending, view: stage ? stageView(stage, pending) : undefined };
}

function stageView(
  { place, stage, shardsDone, shardsTotal, startedAtMs }: StageProgress,
  pending: readonly PendingActivity[],
): StageView {
  const beats = pending.flatMap(({ heartbeat }) => heartbeat?.progress ?? []);
  const running = beats.reduce((sum, { done, total }) => sum + (total > 0 ? done / total : 0), 0);
  return {
    place: placeName(place),
    stage,
    shardsDone,
    shardsTotal,
    startedAtMs,
    fraction: Math.min(1, (shardsDone + running) / Math.max(1, shardsTotal)),
    counted: countedIn(beats),
    values: Object.assign({}, ...beats.map(({ values }) => values ?? {})) as Record<string, number>,
    attempt: Math.max(1, ...pending.map(({ attempt }) => attempt)),
    lastFailure: pending.find(({ lastFailure }) => lastFailure)?.lastFailure,
  };
}

/** Only activities that count in the unit of the first are summed. */
function countedIn(beats: readonly { done: number; total: number; unit: string }[]): StageView["counted"] {
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
