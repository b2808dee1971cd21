// What surrounds every stage activity: the compiled spec, heartbeats with progress, cancellation, drain, and the watchdog that
// takes a living but stuck attempt down. Compute happens in child processes, so the timers here are never blocked.
import { Context } from "@temporalio/activity";
import type { CompiledSpec } from "../campaign/compiled.ts";
import { placeName } from "../campaign/ids.ts";
import type { Facts, StageInput, StageName } from "../campaign/types.ts";
import type { Progress, WorkContext } from "../runtimes/types.ts";
import type { Deps } from "./deps.ts";
import { toFailure } from "./failure.ts";
import { specOf } from "./records.ts";

const HEARTBEAT_MS = 1_000;
/** A living child that reports nothing for this long is stuck: the longest silent thing is loading and compiling a graph. */
const PROGRESS_LIMIT_MS = 10 * 60_000;

export class ResourceError extends Error {
  override readonly name = "ResourceError";
  readonly kind = "resource";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What an attempt leaves in its heartbeat for the next one: a hint for the record, never where to resume. */
export interface Trace {
  /** Pieces begun and not yet committed, or the newest optimizer step. */
  begun?: number[];
  step?: number;
  progress?: Progress;
}

export interface StageContext<I extends StageInput & { stage: StageName } = StageInput & { stage: StageName }> extends WorkContext {
  deps: Deps;
  input: I;
  spec: CompiledSpec;
  place: string;
  attempt: number;
  trace: Trace;
  /** The trace of the attempt before, when it died. */
  previous: Trace | undefined;
  facts(more?: Record<string, unknown>): Facts;
}

/** Runs one stage activity: errors leave translated, an aborted attempt leaves saved. */
export async function inStage<I extends StageInput & { stage: StageName }, R>(
  deps: Deps,
  input: I,
  work: (context: StageContext<I>) => Promise<R>,
): Promise<R> {
  const activity = Context.current();
  const { attempt } = activity.info;
  const stuck = new AbortController();
  const trace: Trace = {};
  let movedAtMs = Date.now();

  const beat = setInterval(() => {
    activity.heartbeat(trace);
    if (Date.now() - movedAtMs < PROGRESS_LIMIT_MS) return;
    stuck.abort(new ResourceError("stuck", `${input.stage} of ${placeName(input.place)} made no progress for ${PROGRESS_LIMIT_MS / 60_000} minutes`));
  }, HEARTBEAT_MS);

  const signal = AbortSignal.any([activity.cancellationSignal, deps.draining, stuck.signal]);
  const startedAt = new Date().toISOString();
  try {
    return await work({
      deps,
      input,
      spec: await specOf(deps.store, input.campaign.specDigest),
      place: placeName(input.place),
      attempt,
      trace,
      previous: attempt > 1 ? (activity.info.heartbeatDetails as Trace | undefined) : undefined,
      signal,
      onProgress(progress) {
        trace.progress = progress.unit === "pieces" ? progress : within(trace.progress, progress);
        movedAtMs = Date.now();
      },
      facts: (more = {}) => ({ ...deps.facts, startedAt, finishedAt: new Date().toISOString(), attempt, epoch: input.epoch, ...more }),
    });
  } catch (error) {
    if (activity.cancellationSignal.aborted) throw await activity.cancelled.catch((cancelled: unknown) => cancelled);
    if (deps.draining.aborted) throw toFailure(draining(input), attempt);
    throw toFailure(stuck.signal.aborted ? stuck.signal.reason : error, attempt);
  } finally {
    clearInterval(beat);
  }
}

/** Fan-outs count pieces; what is counted inside the running piece is a value beside them. */
const within = (stage: Progress | undefined, inner: Progress): Progress =>
  stage?.unit === "pieces" ? { ...stage, values: { ...inner.values, [inner.unit]: inner.done } } : inner;

const draining = (input: StageInput & { stage: StageName }): ResourceError =>
  new ResourceError("worker_draining", `the worker is stopping; ${input.stage} of ${placeName(input.place)} goes on elsewhere`);

/** Control activities only write the ledger: a beat that says the worker lives, and translated errors. */
export async function inControl<R>(work: () => Promise<R>): Promise<R> {
  const activity = Context.current();
  const beat = setInterval(() => activity.heartbeat(), HEARTBEAT_MS);
  try {
    return await work();
  } catch (error) {
    throw toFailure(error, activity.info.attempt);
  } finally {
    clearInterval(beat);
  }
}
