// Input and result of the activity of a firing, as in contract.ts.
import type { ScheduledCampaign } from "../campaign/types.ts";

export interface FiringInput extends ScheduledCampaign {
  /** The time that the schedule gave this firing: ISO 8601, UTC. */
  at: string;
}

export interface FiringBegun {
  campaignId: string;
  /** Whether the server has our search attributes: a start with a missing one is refused. */
  searchAttributes: boolean;
}
