// What surrounds every stage activity: the compiled spec, heartbeats with progress, cancellation, drain, and the watchdog that
// takes a living but stuck attempt down. Compute happens in child processes, so the timers here are never blocked.
import { Context } from "@temporalio/activity";
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { placeName } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { CampaignInput, Facts, LedgerEvent, StageInput, StageName } from "../../campaign/types.ts";
import type { Progress, WorkContext } from "../../runtimes/types.ts";
import type { Store } from "../../store/types.ts";
import type { Deps } from "../deps.ts";
import { withGracePeriod } from "./grace-period.ts";
import { isCounted, toFailure } from "./failure.ts";
import { specOf } from "../records.ts";
import { Watchdog } from "./watchdog.ts";

const HEARTBEAT_MS = 1_000;

/** A worker of another store, which polls the same server by mistake, must not end the campaign: a right one may take the next try. */
export function refuseOtherStore({ store }: Deps, { campaignId, storeName }: CampaignInput): void {
  if (storeName === store.name) return;
  throw new RatchetError(
    "store_differs",
    `campaign ${campaignId} lives in ${storeName}, but this worker serves ${store.name}: start a worker with --store ${storeName}, or stop this one`,
  );
}

/** What an attempt leaves in its heartbeat for the next one: a hint for the record, never where to resume. */
export interface Trace {
  /** Pieces begun and not yet committed, or the newest optimizer step. */
  begun?: number[];
  step?: number;
  /** Pieces on which a child process died, and how often: carried from attempt to attempt. */
  deaths?: Record<number, number>;
  /** The attempt came to an end of its own: an outcome, a drain, a pause. One that did not took its worker along, or went with it. */
  ended?: true;
  /** Attempts in a row that failed by themselves and got no further; outages and kills are not among them. */
  failuresWithoutProgress?: number;
  progress?: Progress;
  /** What a running attempt waits for with its work in hand. */
  waitsFor?: { code: string; message: string };
}

export interface StageContext<
  I extends StageInput & { stage: StageName } = StageInput & { stage: StageName },
> extends WorkContext {
  deps: Deps;
  input: I;
  spec: CompiledSpec;
  place: string;
  attempt: number;
  trace: Trace;
  /** The trace of the attempt before, when it died. */
  previous: Trace | undefined;
  /** A piece or a step was done that no attempt had done before, in this time. */
  madeProgress(ms: number): void;
  /** Tells the server of the trace now: what is begun next may end the worker. */
  flushHeartbeat(): void;
  /** What follows has nothing to do with the rate so far. */
  resetWatchdog(): void;
  /** What follows may say nothing for this long. */
  allowSilence(ms: number): void;
  /** How often each manifest was set aside by a repair, by key. */
  repairs: ReadonlyMap<string, number>;
  facts(more?: Record<string, unknown>): Facts;
}

/** Runs one stage activity: errors leave translated, an aborted attempt leaves saved. */
export async function inStage<I extends StageInput & { stage: StageName }, R>(
  deps: Deps,
  input: I,
  run: (context: StageContext<I>) => Promise<R>,
): Promise<R> {
  const activity = Context.current();
  const { attempt } = activity.info;
  const stuck = new AbortController();
  const previous = attempt > 1 ? (activity.info.heartbeatDetails as Trace | undefined) : undefined;
  const trace: Trace = {
    deaths: deathsAfter(previous),
    failuresWithoutProgress: previous?.failuresWithoutProgress ?? 0,
  };
  const watchdog = new Watchdog(deps.stuckAfter);

  const beat = setInterval(() => {
    activity.heartbeat(trace);
    if (!watchdog.isStuck()) return;
    stuck.abort(
      new RatchetError(
        "stuck",
        `${input.stage} of ${placeName(input.place)} made no progress for ${Math.round(watchdog.limitMs / 1000)} s`,
      ),
    );
  }, HEARTBEAT_MS);

  const signal = AbortSignal.any([activity.cancellationSignal, deps.draining, stuck.signal]);
  const startedAt = new Date().toISOString();
  const work = async (): Promise<R> => {
    refuseOtherStore(deps, input.campaign);
    return run({
      deps,
      input,
      spec: await specOf(deps.store, input.campaign.specDigest),
      place: placeName(input.place),
      attempt,
      trace,
      previous,
      repairs: await repairsIn(deps.store, input.campaign.campaignId),
      signal,
      onProgress(progress) {
        trace.progress = progress.unit === "pieces" ? progress : within(trace.progress, progress);
        watchdog.moved();
      },
      onWaiting: () => watchdog.moved(),
      madeProgress(ms) {
        watchdog.done(ms);
        trace.failuresWithoutProgress = 0;
      },
      flushHeartbeat: () => activity.heartbeat(trace),
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
    });
  };
  try {
    return await withGracePeriod(signal, deps.graceMs, work());
  } catch (error) {
    trace.ended = true;
    activity.heartbeat(trace);
    if (activity.cancellationSignal.aborted)
      throw await activity.cancelled.catch((cancelled: unknown) => cancelled);
    if (deps.draining.aborted) throw toFailure(draining(input));
    throw counted(activity, trace, stuck.signal.aborted ? stuck.signal.reason : error);
  } finally {
    clearInterval(beat);
  }
}

/** The last word of an attempt goes with its failure: the next one learns what went wrong and how often. */
function counted(activity: Context, trace: Trace, error: unknown): Error {
  if (isCounted(error)) trace.failuresWithoutProgress = (trace.failuresWithoutProgress ?? 0) + 1;
  activity.heartbeat(trace);
  return toFailure(error, trace.failuresWithoutProgress);
}

/** One listing where nothing is new. */
const repairsIn = async (store: Store, campaignId: string): Promise<ReadonlyMap<string, number>> =>
  repairsOf(await store.ledger(campaignId).follow<LedgerEvent>());

/** Whoever was at work on a piece when the worker vanished is counted as its death: perhaps the piece ended it. */
export function deathsAfter(previous: Trace | undefined): Record<number, number> {
  const deaths = { ...previous?.deaths };
  if (previous && !previous.ended)
    for (const piece of previous.begun ?? []) deaths[piece] = (deaths[piece] ?? 0) + 1;
  return deaths;
}

/** Fan-outs count pieces; what is counted inside the running piece is a value beside them. */
const within = (stage: Progress | undefined, inner: Progress): Progress =>
  stage?.unit === "pieces" ? { ...stage, values: { ...inner.values, [inner.unit]: inner.done } } : inner;

const draining = (input: StageInput & { stage: StageName }): RatchetError =>
  new RatchetError(
    "worker_draining",
    `the worker is stopping; ${input.stage} of ${placeName(input.place)} goes on elsewhere`,
  );

/** Control activities only write the ledger: a beat that says the worker lives, and translated errors. */
export async function inControl<R>(work: () => Promise<R>): Promise<R> {
  const activity = Context.current();
  const trace: Trace = {
    failuresWithoutProgress:
      (activity.info.heartbeatDetails as Trace | undefined)?.failuresWithoutProgress ?? 0,
  };
  const beat = setInterval(() => activity.heartbeat(trace), HEARTBEAT_MS);
  try {
    return await work();
  } catch (error) {
    throw counted(activity, trace, error);
  } finally {
    clearInterval(beat);
  }
}
