// The only place where errors become Temporal failures. The table of codes (errors/codes.ts) says which are
// retried. A cancellation stays as it is.
import { hostname } from "node:os";
import { ApplicationFailure } from "@temporalio/activity";
import { CancelledFailure } from "@temporalio/common";
import { isCode, isCoded, isDiskFull, KINDS, RatchetError, retryOf } from "../../errors/index.ts";
import type { CodedError, Retry } from "../../errors/index.ts";

/** Outages of the store. An attempt retries its commit until they end (retry-during-outage.ts). */
const OUTAGES = new Set(["store_unreachable", "store_denied", "bucket_missing", "disk_full"]);

/** Counted failures in a row without progress that fail the campaign. */
const TRIES_MAX = 20;
/** The same for errors without a code: a bug, or an unexpected error of a library. */
const UNFORESEEN_TRIES_MAX = 5;

/** Gives a full disk its code here, once, because every folder that a worker writes to can be full. */
const withCode = (error: unknown): unknown =>
  isCoded(error) || !isDiskFull(error)
    ? error
    : new RatchetError("disk_full", `no space left on ${hostname()}: ${(error as Error).message}`, {
        hint: "free some space; the campaign resumes by itself",
        cause: error,
      });

function retryAfter(error: unknown): Retry {
  if (!isCoded(error)) return "counted";
  if (error.retryable === true) return "counted";
  return isCode(error.code) ? retryOf(error.code) : KINDS[(error as CodedError).kind].retry;
}

/** Whether the failure counts towards the limit. An outage does not, because the work did not cause it. */
export const isCounted = (error: unknown): boolean =>
  !(error instanceof CancelledFailure) && retryAfter(withCode(error)) === "counted";

export const isOutage = (error: unknown): error is CodedError => isCoded(error) && OUTAGES.has(error.code);

export const messageOf = ({ message, hint }: CodedError): string => (hint ? `${message} (${hint})` : message);

/** `tries`: counted failures in a row without progress, this one included. */
export function toFailure(thrown: unknown, tries = 1): Error {
  const error = withCode(thrown);
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!isCoded(error)) {
    const { message, name } = error instanceof Error ? error : new Error(String(error));
    return limited(error, {
      type: "unclassified",
      message: `${name}: ${message}`,
      nonRetryable: tries >= UNFORESEEN_TRIES_MAX,
    });
  }
  const retry = retryAfter(error);
  return limited(error, {
    type: error.code,
    message: messageOf(error),
    nonRetryable: retry === "never" || (retry === "counted" && tries >= TRIES_MAX),
    // Another worker can begin at once.
    nextRetryDelay: error.code === "worker_draining" ? "1ms" : undefined,
  });
}

// Temporal replaces a failure above 4 KiB by a note that it was too large, without code and hint. Errors of
// the S3 SDK are larger.
const MESSAGE_MAX = 1_000;
const CAUSE_MAX = 300;
const CAUSES_MAX = 3;

function limited(
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

/** The first causes in the chain, each with its message and the first lines of its stack. */
function causeOf(error: unknown, depth: number): Error | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined;
  const cause = new Error(cut(error.message, CAUSE_MAX), { cause: causeOf(error.cause, depth - 1) });
  return Object.assign(cause, { name: error.name, stack: cut(error.stack ?? "", CAUSE_MAX) });
}

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;
