// A failure of the engine on its way from a thread to its owner: a thrown error would lose its class and code.
import type { Worker } from "node:worker_threads";
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

/** Rejects when the thread is gone, which it is not by itself: whoever waits for an answer hears of it. */
export function endOf(thread: Worker): Promise<never> {
  const ended = new Promise<never>((_, reject) => {
    const end = (cause: unknown): void => reject(new InvariantError("graph_failed", `a thread of the training ended by itself: ${String(cause)}`, { cause }));
    thread.once("error", end).once("exit", end);
  });
  ended.catch(() => undefined);
  return ended;
}
