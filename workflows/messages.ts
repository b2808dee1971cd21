// What the outside may say to a campaign and ask of it. Updates are refused in their validators, recorded in the ledger, then acted on.
import { defineQuery, defineUpdate } from "@temporalio/workflow";
import type { CampaignStatus, Place, StageName } from "../campaign/types.ts";

/** Who asked, and why; both end up in the ledger. */
export interface ControlRequest {
  by: string;
  why: string;
}

export interface ControlReply {
  status: CampaignStatus;
}

export const pause = defineUpdate<ControlReply, [ControlRequest]>("pause");
export const resume = defineUpdate<ControlReply, [ControlRequest]>("resume");
export const cancel = defineUpdate<ControlReply, [ControlRequest]>("cancel");

export interface StageProgress {
  place: Place;
  stage: StageName;
  /** Shards of the stage's fan-out; 1 for pair, train, promote. */
  shardsDone: number;
  shardsTotal: number;
  startedAtMs: number;
}

/** Answer of the `progress` query; children answer for their own stage. */
export interface CampaignProgress {
  status: CampaignStatus;
  epoch: number;
  iterations: number;
  /** Newest finished iteration, 0 = bootstrap, -1 = nothing yet. */
  finished: number;
  promoted: number;
  running: Place[];
}

export const progress = defineQuery<CampaignProgress>("progress");
export const stageProgress = defineQuery<StageProgress | null>("stageProgress");

/** What a finished campaign workflow returns; also `ratchet run --json`. */
export interface CampaignOutcome {
  status: "completed" | "cancelled" | "failed";
  /** Tree digests. */
  latest?: string;
  promoted?: string;
  failure?: { code: string; message: string };
}
