// The innermost cause of Temporal's nested failures, with the code that activities/attempt/failure.ts gave
// it.
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from "@temporalio/workflow";

export interface Failure {
  code: string;
  message: string;
}

/**
 * Most characters of a message that are written to history and ledger; the activity's failure has the whole.
 */
const MESSAGE_MAX = 2_000;

export function failureOf(error: unknown): Failure {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause)
    return failureOf(error.cause);
  const code = error instanceof ApplicationFailure ? (error.type ?? "unclassified") : "unclassified";
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)} …` : message };
}
