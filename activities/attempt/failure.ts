// The one place where errors become Temporal failures. The table of codes (errors/codes.ts) says which are retried; cancellation passes
// through unchanged.
import { hostname } from "node:os";
import { ApplicationFailure } from "@temporalio/activity";
import { CancelledFailure } from "@temporalio/common";
import { isCode, isCoded, isDiskFull, KINDS, RatchetError, retryOf } from "../../errors/index.ts";
import type { CodedError, Retry } from "../../errors/index.ts";

/** Outages of the store, for which an attempt with finished work in hand waits (retry-during-outage.ts). */
const OUTAGES = new Set(["store_unreachable", "store_denied", "bucket_missing", "disk_full"]);

/** Counted failures in a row without progress after which the campaign fails. */
const TRIES_MAX = 20;
/** The same for errors without a code: a bug, or an unforeseen fault of a library. */
const UNFORESEEN_TRIES_MAX = 5;

/** Every folder that a worker writes to can be full: such an error gets its code here, once. */
const named = (error: unknown): unknown =>
  isCoded(error) || !isDiskFull(error)
    ? error
    : new RatchetError("disk_full", `no space left on ${hostname()}: ${(error as Error).message}`, {
        hint: "free some space; the campaign goes on by itself",
        cause: error,
      });

function retryAfter(error: unknown): Retry {
  if (!isCoded(error)) return "counted";
  if (error.retryable === true) return "counted";
  return isCode(error.code) ? retryOf(error.code) : KINDS[(error as CodedError).kind].retry;
}

/** Whether the failure counts towards the limit. An outage does not: it says nothing about the work. */
export const isCounted = (error: unknown): boolean =>
  !(error instanceof CancelledFailure) && retryAfter(named(error)) === "counted";

export const isOutage = (error: unknown): error is CodedError => isCoded(error) && OUTAGES.has(error.code);

export const messageOf = ({ message, hint }: CodedError): string => (hint ? `${message} (${hint})` : message);

/** `tries`: counted failures in a row without progress, this one included. */
export function toFailure(thrown: unknown, tries = 1): Error {
  const error = named(thrown);
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!isCoded(error)) {
    const { message, name } = error instanceof Error ? error : new Error(String(error));
    return small(error, {
      type: "unclassified",
      message: `${name}: ${message}`,
      nonRetryable: tries >= UNFORESEEN_TRIES_MAX,
    });
  }
  const retry = retryAfter(error);
  return small(error, {
    type: error.code,
    message: messageOf(error),
    nonRetryable: retry === "never" || (retry === "counted" && tries >= TRIES_MAX),
    // Another worker can take the work at once.
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
