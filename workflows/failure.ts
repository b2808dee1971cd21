// Reads the one cause out of Temporal's nested failures: the code that the activity's edge gave it (activities/failure.ts).
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from "@temporalio/workflow";

export interface Failure {
  code: string;
  message: string;
}

export function failureOf(error: unknown): Failure {
  if ((error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) && error.cause) return failureOf(error.cause);
  if (error instanceof ApplicationFailure) return { code: error.type ?? "unclassified", message: error.message };
  return { code: "unclassified", message: error instanceof Error ? error.message : String(error) };
}
