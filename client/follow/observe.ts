// One look at a running campaign through Temporal: its stages, what their activities last said, and what it waits for.
import {
  activityQueue,
  campaignWorkflowId,
  placeName,
  placeWorkflowId,
  WORKFLOW_QUEUE,
} from "../../campaign/ids.ts";
import type { Place, Plan, StageName } from "../../campaign/types.ts";
import type { CampaignProgress, StageProgress } from "../../workflows/messages.ts";
import type { Gateway, PendingActivity, RunStatus } from "../../temporal/gateway.ts";

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
  /** What is counted where the activities say it (`steps`, `pieces`, `completions`), summed over what runs now. */
  counted?: { done: number; total: number; unit: string; activities: number };
  /** Last values worth showing, e.g. loss. */
  values: Record<string, number>;
  /** Most attempts of one running activity. */
  attempt: number;
  /** Why the attempt before failed. */
  lastFailure?: string;
}

/** Work lies on a queue that nobody takes it from. */
export interface Waiting {
  queue: string;
  sinceMs: number;
  /** Last poll that the server remembers (about 5 minutes); absent = none. */
  lastPollMs?: number;
}

/** Activities that failed alike and are tried again: what the campaign waits for. */
export interface Retrying {
  /** `it-0003.1 train`, `append`. */
  what: string;
  activities: number;
  /** Most attempts of one of them, whose failure this is. */
  attempt: number;
  /** Absent where Temporal itself ended the attempt, as at a heartbeat timeout. */
  code?: string;
  /** With its hint. */
  message: string;
  /** Absent while it is being tried. */
  nextAtMs?: number;
}

export interface Observation {
  /** Absent where this server does not know the campaign. */
  run?: RunStatus;
  progress?: CampaignProgress;
  stages: StageView[];
  waiting: Waiting[];
  retrying: Retrying[];
}

const ANSWER_MS = 3_000;
/** A task taken at once leaves the queue within this. */
const TAKEN_MS = 5_000;
/** A worker that is merely busy heartbeats for the task it is busy with, every second. With the patience of `watch` well below 30 s. */
const SILENT_MS = 10_000;

export async function observe(gateway: Gateway, campaignId: string, plan: Plan): Promise<Observation> {
  const run = await gateway.run(campaignWorkflowId(campaignId));
  if (!run) return { stages: [], waiting: [], retrying: [] };
  if (run.status !== "running") return { run: run.status, stages: [], waiting: [], retrying: [] };

  const pollers = await gateway.pollers(WORKFLOW_QUEUE);
  const progress = pollers.length === 0 ? undefined : await gateway.progress(campaignId, ANSWER_MS);
  if (!progress) {
    const lastPollMs = newest(pollers);
    const sinceMs = run.taskSinceMs ?? lastPollMs ?? Date.now();
    return {
      run: run.status,
      stages: [],
      retrying: retrying(run.pending),
      waiting: [{ queue: WORKFLOW_QUEUE, sinceMs, ...(lastPollMs ? { lastPollMs } : {}) }],
    };
  }

  const places = await Promise.all(progress.running.map((place) => observePlace(gateway, campaignId, place)));
  const pending = [...run.pending, ...places.flatMap((place) => place.pending)];
  return {
    run: run.status,
    progress,
    stages: places.flatMap(({ view }) => view ?? []),
    waiting: await waitingFor(gateway, pending, plan),
    retrying: [
      ...retrying(run.pending),
      ...places.flatMap(({ place, pending: own }) => retrying(own, place)),
    ],
  };
}

async function observePlace(
  gateway: Gateway,
  campaignId: string,
  place: Place,
): Promise<{ place: string; view?: StageView; pending: PendingActivity[] }> {
  const workflowId = placeWorkflowId(campaignId, place);
  const [stage, run] = await Promise.all([
    gateway.stageProgress(workflowId, ANSWER_MS),
    gateway.run(workflowId),
  ]);
  const pending = run?.pending ?? [];
  return { place: placeName(place), pending, ...(stage ? { view: stageView(stage, pending) } : {}) };
}

/** What an activity's heartbeat holds (activities/context.ts), as far as it concerns a reader. */
interface Beat {
  waitsFor?: { code: string; message: string };
  progress?: { done: number; total: number; unit: string; values?: Record<string, number> };
}

export function stageView(
  { place, stage, shardsDone, shardsTotal, startedAtMs }: StageProgress,
  pending: readonly PendingActivity[],
): StageView {
  const beats = pending.flatMap(({ heartbeat }) => (heartbeat as Beat | undefined)?.progress ?? []);
  const [first] = beats;
  const same = beats.filter(({ unit }) => unit === first?.unit);
  const running = beats.reduce((sum, { done, total }) => sum + (total > 0 ? done / total : 0), 0);
  const lastFailure = pending.find((activity) => activity.lastFailure !== undefined)?.lastFailure;
  return {
    place: placeName(place),
    stage,
    shardsDone,
    shardsTotal,
    startedAtMs,
    fraction: Math.min(1, (shardsDone + running) / Math.max(1, shardsTotal)),
    ...(first
      ? {
          counted: {
            unit: first.unit,
            done: sum(same, "done"),
            total: sum(same, "total"),
            activities: same.length,
          },
        }
      : {}),
    values: Object.assign({}, ...beats.map(({ values }) => values ?? {})) as Record<string, number>,
    attempt: Math.max(1, ...pending.map(({ attempt }) => attempt)),
    ...(lastFailure ? { lastFailure } : {}),
  };
}

/** What backs off, what waits with its work in hand, and what writes the ledger: its tries are short and no stage's line tells of them. */
function retrying(pending: readonly PendingActivity[], place?: string): Retrying[] {
  const alike = new Map<string, Retrying>();
  for (const { type, state, attempt, heartbeat, nextAtMs, ...last } of pending) {
    const waits = state === "started" ? (heartbeat as Beat | undefined)?.waitsFor : undefined;
    const [lastFailure, failureCode] = waits
      ? [waits.message, waits.code]
      : [last.lastFailure, last.failureCode];
    if (lastFailure === undefined || (nextAtMs === undefined && place !== undefined && !waits)) continue;
    const what = place === undefined ? type : `${place} ${type}`;
    const before = alike.get(`${what} ${failureCode}`);
    const activities = (before?.activities ?? 0) + 1;
    const worst =
      before && before.attempt >= attempt
        ? before
        : {
            what,
            attempt,
            message: lastFailure,
            ...(failureCode ? { code: failureCode } : {}),
            ...(nextAtMs ? { nextAtMs } : {}),
          };
    alike.set(`${what} ${failureCode}`, { ...worst, activities });
  }
  return [...alike.values()];
}

async function waitingFor(
  gateway: Gateway,
  pending: readonly PendingActivity[],
  plan: Plan,
): Promise<Waiting[]> {
  const byQueue = new Map<string, PendingActivity[]>();
  for (const activity of pending) {
    const queue = queueOf(activity.type, plan);
    byQueue.set(queue, [...(byQueue.get(queue) ?? []), activity]);
  }
  const waiting = await Promise.all(
    [...byQueue].map(([queue, activities]) => waitingOn(gateway, queue, activities)),
  );
  return waiting.flatMap((entry) => entry ?? []);
}

async function waitingOn(
  gateway: Gateway,
  queue: string,
  activities: readonly PendingActivity[],
): Promise<Waiting | undefined> {
  const now = Date.now();
  const untaken = activities.filter(
    ({ state, scheduledAtMs }) => state === "scheduled" && now - scheduledAtMs > TAKEN_MS,
  );
  if (untaken.length === 0) return undefined;
  const sinceMs = Math.min(...untaken.map(({ scheduledAtMs }) => scheduledAtMs));
  const lastPollMs = newest(await gateway.pollers(queue));
  if (lastPollMs === undefined) return { queue, sinceMs };
  const busy = activities.some(
    ({ state, heartbeatAtMs = 0 }) => state === "started" && now - heartbeatAtMs < SILENT_MS,
  );
  return !busy && lastPollMs < sinceMs && now - sinceMs > SILENT_MS
    ? { queue, sinceMs, lastPollMs }
    : undefined;
}

/** The queue of an activity type: control activities have their own, stages what the spec gives them. */
const queueOf = (type: string, { queues }: Plan): string =>
  activityQueue(type in queues ? queues[type as StageName] : "control");

const newest = (pollers: readonly { lastPollMs: number }[]): number | undefined =>
  pollers.length === 0 ? undefined : Math.max(...pollers.map(({ lastPollMs }) => lastPollMs));

const sum = <K extends string>(rows: readonly Record<K, number>[], key: K): number =>
  rows.reduce((total, row) => total + row[key], 0);
