// Reads the one cause out of Temporal's nested failures: the code that the activity's edge gave it (activities/failure.ts).
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from "@temporalio/workflow";

export interface Failure {
  code: string;
  message: string;
}

/** Characters of a message that go into history and ledger; the whole of it is in the activity's failure. */
const MESSAGE_MAX = 2_000;

export function failureOf(error: unknown): Failure {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause)
    return failureOf(error.cause);
  const code = error instanceof ApplicationFailure ? (error.type ?? "unclassified") : "unclassified";
  const message = error instanceof Error ? error.message : String(error);
  return { code, message: message.length > MESSAGE_MAX ? `${message.slice(0, MESSAGE_MAX)} …` : message };
}
