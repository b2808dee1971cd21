// How a campaign ended, from its ledger. `watch` and `run` print it and derive their exit code from it.
import type { CampaignRecord } from "../../campaign/types.ts";
import type { CampaignOutcome } from "../../workflows/messages.ts";
import type { Store } from "../../store/types.ts";
import { followCampaign } from "../record/record.ts";
import type { ReadCampaign } from "../record/record.ts";

export type { CampaignOutcome };

export const hasEnded = ({ status }: CampaignRecord): boolean =>
  status === "completed" || status === "cancelled" || status === "failed" || status === "moved";

/** `record`: of an ended campaign. */
export function outcomeOf(record: CampaignRecord): CampaignOutcome {
  const { status, latest, promoted, failure } = record;
  return {
    status: status === "completed" || status === "cancelled" ? status : "failed",
    latest: latest?.policy,
    promoted: promoted?.policy,
    failure,
  };
}

/**
 * The record of an ended campaign; undefined if it has not ended, or the store does not answer either. A
 * server may end with the last campaign that it serves, before it can tell anybody of its end.
 */
export async function recordedEnd(store: Store, campaignId: string): Promise<ReadCampaign | undefined> {
  const read = await followCampaign(store, campaignId).catch(() => undefined);
  return read && hasEnded(read.record) ? read : undefined;
}
