// A failure of the engine on its way from a thread to its owner: a thrown error would lose its class and code.
import { EngineError, InvariantError, nameMemory, ResourceError } from "../errors.ts";

export interface ThreadFailure {
  resource: boolean;
  code: string;
  message: string;
}

/** Anything but an error of the engine is thrown on: it ends the thread, which its owner hears of. */
export function failureOf(error: unknown, doing: string): ThreadFailure {
  const named = nameMemory(error, doing);
  if (!(named instanceof EngineError)) throw error;
  return { resource: named.kind === "resource", code: named.code, message: named.message };
}

export function errorOf({ resource, code, message }: ThreadFailure): ResourceError | InvariantError {
  return resource ? new ResourceError(code, message) : new InvariantError(code, message);
}
