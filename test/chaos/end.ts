// When a chaos campaign has ended. The servers say it: a ledger row that can be read may not be synced yet,
// and a power failure would take it.
import { setTimeout as sleep } from "node:timers/promises";
import type { CampaignStatus } from "../../campaign/types.ts";

/** Reads of one moment. */
export interface Observed {
  /** Whether a server runs the campaign. A server that does not answer counts as running it. */
  running(): Promise<boolean>;
  /** Status by the ledger; undefined while the store does not answer or has no such campaign. */
  recorded(): Promise<CampaignStatus | "damaged" | undefined>;
}

export interface Patience {
  timeoutMs: number;
  /**
   * The campaign counts as lost when no server runs it and its ledger is open, or its ledger is damaged, for
   * this long. Not at once, because a restarted server needs a while before it knows its runs.
   */
  lostAfterMs: number;
  pollMs: number;
}

/**
 * Waits until no server runs the campaign, then returns the status in its ledger; undefined if the campaign
 * did not end. A run ends after its last append was synced, so the row that is then read stays.
 */
export async function untilEnded(
  { running, recorded }: Observed,
  { timeoutMs, lostAfterMs, pollMs }: Patience,
): Promise<CampaignStatus | undefined> {
  let lostSince: number | undefined;
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(pollMs)) {
    // The servers first: a row that was read before its run ended proves nothing.
    const isRunning = await running();
    const status = await recorded();
    if (!isRunning && isFinal(status)) return status;
    const lost = status === "damaged" || !isRunning;
    lostSince = lost ? (lostSince ?? Date.now()) : undefined;
    if (lostSince !== undefined && Date.now() - lostSince > lostAfterMs) return undefined;
  }
  return undefined;
}

const isFinal = (
  status: CampaignStatus | "damaged" | undefined,
): status is "completed" | "failed" | "cancelled" =>
  status === "completed" || status === "failed" || status === "cancelled";
