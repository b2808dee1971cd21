// Gives an aborted attempt time to save its work.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Settles as the work does, or rejects with the signal's reason when the work is still running `graceMs`
 * after the abort. Not everything that the work waits for listens to the signal, and a hanging request must
 * not hold the attempt. Work that runs on in the background can only add a result that a later attempt
 * adopts.
 */
export async function withGracePeriod<R>(signal: AbortSignal, graceMs: number, work: Promise<R>): Promise<R> {
  const settled = new AbortController();
  const graceOver = async (): Promise<never> => {
    if (!signal.aborted) await once(signal, "abort", { signal: settled.signal });
    await sleep(graceMs, undefined, { signal: settled.signal });
    throw signal.reason;
  };
  try {
    return await Promise.race([work, graceOver()]);
  } finally {
    // As long as a listener is left, Node keeps a signal made by `AbortSignal.any`, and everything that the
    // attempt held.
    settled.abort();
  }
}
