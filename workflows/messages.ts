// Updates and queries of a campaign. A validator refuses an update; an accepted one is written to the ledger
// before it acts.
import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type {
  AmendmentRequest,
  CampaignStatus,
  LabelsDecision,
  PauseAt,
  Place,
  RollbackTarget,
  StageName,
} from "../campaign/types.ts";

/** Who asks, and why; both are written to the ledger. */
export interface ControlRequest {
  by: string;
  why: string;
  /** Only of a `resume` that ends a pause for too few labels. */
  labels?: LabelsDecision;
  /** Only of a `pause`; default `now`. */
  at?: PauseAt;
  /** Only of a `rollback`. */
  to?: RollbackTarget;
  /** Only of an `amend`. */
  amendment?: AmendmentRequest;
}

export type ControlVerb = "pause" | "resume" | "cancel" | "rollback" | "amend";

export interface ControlReply {
  status: CampaignStatus;
  /** It will be paused when this iteration has finished. */
  pausingAfter?: number;
}

export const pause = defineUpdate<ControlReply, [ControlRequest]>("pause");
export const resume = defineUpdate<ControlReply, [ControlRequest]>("resume");
export const cancel = defineUpdate<ControlReply, [ControlRequest]>("cancel");
export const rollback = defineUpdate<ControlReply, [ControlRequest]>("rollback");
export const amend = defineUpdate<ControlReply, [ControlRequest]>("amend");

/** To a place: labels of its questionnaire have arrived in the store. */
export const labelsGiven = defineSignal("labelsGiven");

/** From a place to its campaign: the deadline has passed, and there are too few labels. */
export interface LabelsShort {
  /** `it-0003.1` */
  place: string;
  why: string;
  /** By how much the deadline has been extended so far; makes the row's id. */
  extendedMs: number;
}
export const labelsShort = defineSignal<[LabelsShort]>("labelsShort");

export interface StageProgress {
  place: Place;
  stage: StageName;
  /** Shards of the stage's fan-out; 1 for label, pair, train, promote. */
  shardsDone: number;
  shardsTotal: number;
  startedAtMs: number;
}

/** Answer to the query `progress`. Children answer `stageProgress`. */
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

/** Result of the campaign workflow, and output of `ratchet run --json`. */
export interface CampaignOutcome {
  status: "completed" | "cancelled" | "failed";
  /** Tree digests. */
  latest?: string;
  promoted?: string;
  failure?: { code: string; message: string };
}
