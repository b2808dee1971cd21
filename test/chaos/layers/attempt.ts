// The attempt that the current code runs for.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Attempt } from "../points.ts";

const running = new AsyncLocalStorage<Attempt>();

/** Undefined outside of attempts. */
export const currentAttempt = (): Attempt | undefined => running.getStore();

export const runAs = <T>(attempt: Attempt, work: () => T): T => running.run(attempt, work);
