// Retries a commit during an outage of the store. The attempt keeps its computed work meanwhile, because
// computing it again costs more than its slot.
import { setTimeout as sleep } from "node:timers/promises";
import type { StageContext } from "./context.ts";
import { isOutage, messageOf } from "./failure.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;

/** Retries `commit` until it succeeds, fails by something other than an outage, or the attempt is aborted. */
export async function retryDuringOutage<T>(
  { heartbeat, signal, resetWatchdog }: Pick<StageContext, "heartbeat" | "signal" | "resetWatchdog">,
  commit: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const done = await commit();
      delete heartbeat.waitsFor;
      return done;
    } catch (error) {
      if (!isOutage(error)) throw error;
      heartbeat.waitsFor = { code: error.code, message: messageOf(error) };
      // An attempt that waits for the store is not stuck.
      resetWatchdog();
      await sleep(pauseMs, undefined, { signal });
    }
  }
}
