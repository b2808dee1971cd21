// The surroundings of every stage activity: the compiled spec, heartbeats with progress, cancellation,
// draining, and the watchdog that ends a stuck attempt. Compute runs in child processes, so the timers here
// are never blocked.
import { Context } from "@temporalio/activity";
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { placeName } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { CampaignInput, Facts, LedgerEvent, StageInput, StageName } from "../../campaign/types.ts";
import type { Progress, WorkContext } from "../../runtimes/types.ts";
import type { Store } from "../../store/types.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import type { Deps } from "../deps.ts";
import { withGracePeriod } from "./grace-period.ts";
import { isCounted, toFailure } from "./failure.ts";
import { crashesAfter } from "./piece-crashes.ts";
import { specOf } from "../artifacts.ts";
import { lossOf } from "./loss.ts";
import { Watchdog } from "./watchdog.ts";

const HEARTBEAT_MS = 1_000;

/**
 * Refuses a campaign of another store. The failure is retried without limit, because a worker of the right
 * store may get the next attempt.
 */
export function refuseOtherStore({ store }: Deps, { campaignId, storeName }: CampaignInput): void {
  if (storeName === store.name) return;
  throw new RatchetError(
    "store_differs",
    `campaign ${campaignId} is stored in ${storeName}, but this worker serves ${store.name}: ` +
      `start a worker with --store ${storeName}, or stop this one`,
  );
}

/** Input of any stage. */
type AnyInput = StageInput & { stage: StageName };

export interface StageContext<I extends AnyInput = AnyInput> extends WorkContext {
  deps: Deps;
  input: I;
  spec: CompiledSpec;
  place: string;
  attempt: number;
  heartbeat: Heartbeat;
  /** The heartbeat that the attempt before this one left; undefined at the first attempt. */
  previous: Heartbeat | undefined;
  /** A piece or a step is done, for the first time in any attempt; it took `ms`. */
  madeProgress(ms: number): void;
  /** Sends the heartbeat now, because the work that begins next may crash the worker. */
  flushHeartbeat(): void;
  /** The next work is of another kind, so the times measured so far say nothing about it. */
  resetWatchdog(): void;
  /** The next work may report nothing for this long. */
  allowSilence(ms: number): void;
  /** Models that the runtime loaded for this attempt. */
  modelLoads(): number;
  /** How often repairs have set each manifest aside, by key. */
  repairs: ReadonlyMap<string, number>;
  facts(more?: Record<string, unknown>): Facts;
}

/** Runs one stage activity: translates its errors, and gives an aborted attempt time to save its work. */
export async function inStage<I extends AnyInput, R>(
  deps: Deps,
  input: I,
  run: (context: StageContext<I>) => Promise<R>,
): Promise<R> {
  const activity = Context.current();
  const previous =
    activity.info.attempt > 1 ? (activity.info.heartbeatDetails as Heartbeat | undefined) : undefined;
  const heartbeat: Heartbeat = {
    deaths: crashesAfter(previous),
    failuresWithoutProgress: previous?.failuresWithoutProgress ?? 0,
  };
  const watchdog = new Watchdog(deps.stuckAfter);
  const stuck = new AbortController();
  const heartbeats = setInterval(() => {
    activity.heartbeat(heartbeat);
    if (watchdog.isStuck()) stuck.abort(stuckError(input, watchdog));
  }, HEARTBEAT_MS);
  const signal = AbortSignal.any([activity.cancellationSignal, deps.draining, stuck.signal]);
  const work = async (): Promise<R> => {
    refuseOtherStore(deps, input.campaign);
    return run(await contextOf({ deps, input, activity, previous, heartbeat, watchdog, signal }));
  };
  try {
    return await withGracePeriod(signal, deps.graceMs, work());
  } catch (error) {
    heartbeat.ended = true;
    activity.heartbeat(heartbeat);
    if (activity.cancellationSignal.aborted)
      throw await activity.cancelled.catch((cancelled: unknown) => cancelled);
    if (deps.draining.aborted) throw toFailure(drainingError(input));
    const cause = stuck.signal.aborted
      ? stuck.signal.reason
      : await lossOf(deps.store, input.campaign, error);
    throw counted(activity, heartbeat, cause);
  } finally {
    clearInterval(heartbeats);
  }
}

interface Attempt<I> {
  deps: Deps;
  input: I;
  activity: Context;
  previous: Heartbeat | undefined;
  heartbeat: Heartbeat;
  watchdog: Watchdog;
  signal: AbortSignal;
}

async function contextOf<I extends AnyInput>(parts: Attempt<I>): Promise<StageContext<I>> {
  const { deps, input, activity, previous, heartbeat, watchdog, signal } = parts;
  const { attempt } = activity.info;
  const startedAt = new Date().toISOString();
  let modelLoads = 0;
  return {
    deps,
    input,
    spec: await specOf(deps.store, input.campaign.specDigest),
    place: placeName(input.place),
    attempt,
    heartbeat,
    previous,
    repairs: await repairsIn(deps.store, input.campaign.campaignId),
    signal,
    onProgress(progress) {
      heartbeat.progress = progress.unit === "pieces" ? progress : within(heartbeat.progress, progress);
      watchdog.progressed();
    },
    onWaiting: () => watchdog.progressed(),
    modelLoads: () => modelLoads,
    onModelLoaded: () => void (modelLoads += 1),
    madeProgress(ms) {
      watchdog.unitDone(ms);
      heartbeat.failuresWithoutProgress = 0;
    },
    flushHeartbeat: () => activity.heartbeat(heartbeat),
    resetWatchdog: () => watchdog.reset(),
    allowSilence: (ms) => watchdog.allowSilence(ms),
    facts: (more = {}) => ({
      ...deps.facts,
      startedAt,
      finishedAt: new Date().toISOString(),
      attempt,
      epoch: input.epoch,
      ...more,
    }),
  };
}

/** The failure to throw. The last heartbeat carries the count of failures to the next attempt. */
function counted(activity: Context, heartbeat: Heartbeat, error: unknown): Error {
  if (isCounted(error)) heartbeat.failuresWithoutProgress = (heartbeat.failuresWithoutProgress ?? 0) + 1;
  activity.heartbeat(heartbeat);
  return toFailure(error, heartbeat.failuresWithoutProgress);
}

/** Costs one listing if the ledger has no new row. */
const repairsIn = async (store: Store, campaignId: string): Promise<ReadonlyMap<string, number>> =>
  repairsOf(await store.ledger(campaignId).follow<LedgerEvent>());

/** A fan-out's progress counts pieces; progress inside a piece becomes a value beside that count. */
const within = (stage: Progress | undefined, inner: Progress): Progress =>
  stage?.unit === "pieces" ? { ...stage, values: { ...inner.values, [inner.unit]: inner.done } } : inner;

const stuckError = ({ stage, place }: AnyInput, { limitMs }: Watchdog): RatchetError =>
  new RatchetError(
    "stuck",
    `${stage} of ${placeName(place)} made no progress for ${Math.round(limitMs / 1000)} s`,
  );

const drainingError = ({ stage, place }: AnyInput): RatchetError =>
  new RatchetError(
    "worker_draining",
    `the worker is stopping; another worker will resume ${stage} of ${placeName(place)}`,
  );

/** Control activities only write the ledger: they send heartbeats, and their errors are translated. */
export async function inControl<R>(work: () => Promise<R>): Promise<R> {
  const activity = Context.current();
  const previous = activity.info.heartbeatDetails as Heartbeat | undefined;
  const heartbeat: Heartbeat = { failuresWithoutProgress: previous?.failuresWithoutProgress ?? 0 };
  const heartbeats = setInterval(() => activity.heartbeat(heartbeat), HEARTBEAT_MS);
  try {
    return await work();
  } catch (error) {
    throw counted(activity, heartbeat, error);
  } finally {
    clearInterval(heartbeats);
  }
}
