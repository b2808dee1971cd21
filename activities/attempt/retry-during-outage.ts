// What has been computed is worth more than the slot that holds it: where the store is away at its commit, the attempt waits with the work
// in hand instead of failing and doing it again.
import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "./context.ts";
import { isOutage, messageOf } from "./failure.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;

/** Tries `commit` until it is done, fails in another way than by an outage, or the attempt is to end. */
export async function retryDuringOutage<T>(
  { trace, signal, resetWatchdog }: Pick<StageContext, "trace" | "signal" | "resetWatchdog">,
  commit: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const done = await commit();
      delete trace.waitsFor;
      return done;
    } catch (error) {
      if (!isOutage(error)) throw error;
      trace.waitsFor = { code: error.code, message: messageOf(error) };
      // An answer, though not the wanted one: waiting is not being stuck.
      resetWatchdog();
      await sleep(pauseMs, undefined, { signal });
    }
  }
}
