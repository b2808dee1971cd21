// The one place where errors become Temporal failures. Errors are classified by the `kind` they carry: who has to act decides
// whether Temporal tries again. Cancellation passes through untouched.
import { hostname } from "node:os";
import { ApplicationFailure } from "@temporalio/activity";
import { CancelledFailure } from "@temporalio/common";
import { isDiskFull, ResourceError } from "../store/index.ts";

/** Shape of every typed error of store, engine, runtimes and campaign. */
export interface CodedError extends Error {
  kind: "spec" | "artifact" | "resource" | "scoring" | "training" | "invariant";
  code: string;
  hint?: string;
  /** Scoring only: the judge was busy, not wrong. */
  retryable?: boolean;
}

/** Who acts: author of the campaign, operator, platform, us. Only the platform's failures mend themselves. */
const RETRIED: Record<CodedError["kind"], boolean> = {
  spec: false,
  artifact: false,
  resource: true,
  scoring: false,
  training: false,
  invariant: false,
};

/** Attempts in a row without any progress after which even a platform failure is handed to a person. */
const FRUITLESS_MAX = 50;
/** The platform's, and yet sure to come again: decided where the tries were counted. */
const FINAL = new Set(["piece_poisoned"]);

export function isCoded(error: unknown): error is CodedError {
  return error instanceof Error && "kind" in error && "code" in error && String((error as CodedError).kind) in RETRIED;
}

/** Scratch, cache and modules' folders are written everywhere: a full disk under any of them is named here, once. */
const named = (error: unknown): unknown =>
  isCoded(error) || !isDiskFull(error) ? error : new ResourceError("disk_full", `no space left on ${hostname()}: ${(error as Error).message}`, { hint: "free some space; the campaign goes on by itself", cause: error });

/** `fruitless`: attempts in a row, this one included, that got no further. */
export function toFailure(thrown: unknown, fruitless = 1): Error {
  const error = named(thrown);
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  if (!isCoded(error)) {
    const { message, name } = error instanceof Error ? error : new Error(String(error));
    // Not ours to classify: a bug or an unforeseen fault of a library. Tried again a few times, then final.
    return ApplicationFailure.create({ type: "unclassified", message: `${name}: ${message}`, nonRetryable: fruitless >= 5, cause: error as Error });
  }
  const retried = (RETRIED[error.kind] || error.retryable === true) && !FINAL.has(error.code) && fruitless < FRUITLESS_MAX;
  return ApplicationFailure.create({
    type: error.code,
    message: error.hint ? `${error.message} (${error.hint})` : error.message,
    nonRetryable: !retried,
    // A drained worker's work is wanted elsewhere at once.
    nextRetryDelay: error.code === "worker_draining" ? "1ms" : undefined,
    cause: error,
  });
}
