// The one place where errors become Temporal failures: who has to act decides whether Temporal tries again, and for how long.
// Cancellation passes through untouched.
import { hostname } from "node:os";
import { ApplicationFailure } from "@temporalio/activity";
import { CancelledFailure } from "@temporalio/common";
import { isDiskFull, ResourceError } from "../../store/index.ts";

/** Shape of every typed error of store, engine, runtimes and campaign. */
export interface CodedError extends Error {
  kind: "spec" | "artifact" | "resource" | "scoring" | "training" | "invariant";
  code: string;
  hint?: string;
  /** Scoring only: the judge was busy, not wrong. */
  retryable?: boolean;
}

/**
 * `waits`: something outside is away, full or locked. It comes back, its operator acts, or another worker takes the work: however long that
 * takes, no campaign ends of it. `counts`: this attempt went wrong and the next may not; a person is asked after some in a row that got
 * no further. `ends`: the same would come again.
 */
type Retry = "waits" | "counts" | "ends";

/** Who acts: author of the campaign, operator, platform, us. */
const BY_KIND: Record<CodedError["kind"], Retry> = {
  spec: "ends",
  artifact: "ends",
  resource: "counts",
  scoring: "ends",
  training: "ends",
  invariant: "ends",
};

/** The platform, or its operator: away, expired, full. */
const OUTAGES = new Set(["store_unreachable", "store_denied", "bucket_missing", "disk_full"]);

/** Where the code says more than its kind. */
const BY_CODE: Record<string, Retry> = {
  ...Object.fromEntries([...OUTAGES].map((code): [string, Retry] => [code, "waits"])),
  // This worker is not the right one; another is, or this one is set up anew.
  store_differs: "waits",
  region_wrong: "waits",
  module_env_missing: "waits",
  // Nothing went wrong: the work goes on elsewhere.
  worker_draining: "waits",
  // Sure to come again, decided where the tries were counted.
  piece_poisoned: "ends",
};

/** Attempts in a row that failed by themselves and got no further, after which a person is asked. */
const TRIES_MAX = 20;
/** Not ours to classify: a bug or an unforeseen fault of a library. */
const UNFORESEEN_TRIES_MAX = 5;

export function isCoded(error: unknown): error is CodedError {
  return (
    error instanceof Error &&
    "kind" in error &&
    "code" in error &&
    String((error as CodedError).kind) in BY_KIND
  );
}

/** Scratch, cache and modules' folders are written everywhere: a full disk under any of them is named here, once. */
const named = (error: unknown): unknown =>
  isCoded(error) || !isDiskFull(error)
    ? error
    : new ResourceError("disk_full", `no space left on ${hostname()}: ${(error as Error).message}`, {
        hint: "free some space; the campaign goes on by itself",
        cause: error,
      });

/** Whether the failure is one of those that are counted: an outage says nothing about the work. */
export const isCounted = (error: unknown): boolean =>
  !(error instanceof CancelledFailure) && retryOf(named(error)) === "counts";

/** The platform is away, full or locked. A worker that is not the right one, or is to stop, has no reason to wait itself. */
export const isOutage = (error: unknown): error is CodedError => isCoded(error) && OUTAGES.has(error.code);

export const messageOf = ({ message, hint }: CodedError): string => (hint ? `${message} (${hint})` : message);

/** `tries`: counted failures in a row, this one included, since anything got further. */
export function toFailure(thrown: unknown, tries = 1): Error {
  const error = named(thrown);
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const retry = retryOf(error);
  if (!isCoded(error)) {
    const { message, name } = error instanceof Error ? error : new Error(String(error));
    return small(error, {
      type: "unclassified",
      message: `${name}: ${message}`,
      nonRetryable: tries >= UNFORESEEN_TRIES_MAX,
    });
  }
  return small(error, {
    type: error.code,
    message: messageOf(error),
    nonRetryable: retry === "ends" || (retry === "counts" && tries >= TRIES_MAX),
    // A drained worker's work is wanted elsewhere at once.
    nextRetryDelay: error.code === "worker_draining" ? "1ms" : undefined,
  });
}

/** Of a failure above 4 KiB the server keeps for its readers only that it was too large: no code, no hint. An SDK's errors are. */
const MESSAGE_MAX = 1_000;
const CAUSE_MAX = 300;
const CAUSES_MAX = 3;

function small(
  error: unknown,
  { message, ...options }: Parameters<typeof ApplicationFailure.create>[0] & { message: string },
): ApplicationFailure {
  const failure = ApplicationFailure.create({
    ...options,
    message: cut(message, MESSAGE_MAX),
    cause: causeOf(error, CAUSES_MAX),
  });
  failure.stack = cut(failure.stack ?? "", CAUSE_MAX);
  return failure;
}

/** The chain of causes with its messages and the first lines of its stacks. */
function causeOf(error: unknown, depth: number): Error | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined;
  const cause = new Error(cut(error.message, CAUSE_MAX), { cause: causeOf(error.cause, depth - 1) });
  return Object.assign(cause, { name: error.name, stack: cut(error.stack ?? "", CAUSE_MAX) });
}

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

function retryOf(error: unknown): Retry {
  if (!isCoded(error)) return "counts";
  return BY_CODE[error.code] ?? (error.retryable === true ? "counts" : BY_KIND[error.kind]);
}
