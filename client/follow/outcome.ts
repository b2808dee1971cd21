// How a campaign ended, from its ledger. `watch` and `run` print it and derive their exit code from it.
import type { CampaignRecord } from "../../campaign/types.ts";
import type { CampaignOutcome } from "../../workflows/messages.ts";

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
