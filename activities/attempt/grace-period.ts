// The end of an attempt that is told to end.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * The work, or the signal's reason where the work has not ended within the grace: not all that it waits for hears the signal, and a request
 * that hangs must not hold the attempt. What goes on behind it can only add a result that is adopted.
 */
export async function withGracePeriod<R>(signal: AbortSignal, graceMs: number, work: Promise<R>): Promise<R> {
  const ended = new AbortController();
  const over = async (): Promise<never> => {
    if (!signal.aborted) await once(signal, "abort", { signal: ended.signal });
    await sleep(graceMs, undefined, { signal: ended.signal });
    throw signal.reason;
  };
  try {
    return await Promise.race([work, over()]);
  } finally {
    // Node keeps a signal made by `AbortSignal.any`, and with it all that an attempt held, for as long as somebody listens to it.
    ended.abort();
  }
}
