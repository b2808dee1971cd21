// How a campaign ended, read from its ledger: what waiting verbs return and exit with.
import type { CampaignRecord } from "../../campaign/types.ts";
import type { CampaignOutcome } from "../../workflows/messages.ts";

export type { CampaignOutcome };

export const hasEnded = ({ status }: CampaignRecord): boolean =>
  status === "completed" || status === "cancelled" || status === "failed" || status === "moved";

/** Of an ended campaign. */
export function outcomeOf(record: CampaignRecord): CampaignOutcome {
  const { status, latest, promoted, failure } = record;
  return {
    status: status === "completed" || status === "cancelled" ? status : "failed",
    ...(latest ? { latest: latest.policy } : {}),
    ...(promoted ? { promoted: promoted.policy } : {}),
    ...(failure ? { failure } : {}),
  };
}
