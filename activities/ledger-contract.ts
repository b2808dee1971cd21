// Inputs and results of the activities that write the ledger of a running campaign. Types only; workflows
// import them.
import type {
  AmendmentRequest,
  CampaignInput,
  Digest,
  LedgerEvent,
  Plan,
  RollbackTarget,
  SpecInForce,
  Standing,
} from "../campaign/types.ts";

export interface OpenInput {
  campaign: CampaignInput;
  /** Run id of the workflow run that opens the campaign; makes the row idempotent. */
  runId: string;
  /** After continue-as-new: epoch of the run before. `open` fails if another run has taken over since. */
  continues?: number;
}

export interface Opened {
  epoch: number;
  /** Tree digest of the author's policy: π_0, or the start of SFT. */
  policy: Digest;
  /** Of the spec that the campaign was created with. */
  plan: Plan;
  /** That spec. Absent in histories from before amendments: there it is the spec of the run's input. */
  specDigest?: Digest;
  /** Amendments that hold at the next place or later, in the order of the ledger. Absent without any. */
  amendments?: AmendedPlan[];
  record: Standing;
  /** Whether the server has our search attributes: upserting a missing one would block the workflow. */
  searchAttributes: boolean;
}

export interface AppendInput {
  campaign: CampaignInput;
  epoch: number;
  /** Event id: an id is appended once. */
  id: string;
  event: LedgerEvent;
  by: string;
}

/** A spec in force, with its plan. */
export interface AmendedPlan extends SpecInForce {
  plan: Plan;
}

export type AmendedEvent = Extract<LedgerEvent, { type: "amended" }>;

export interface AmendInput extends Omit<AppendInput, "event">, AmendmentRequest {
  /** The first place that has not begun. */
  holdsFrom: Standing["next"];
  asked: { by: string; why: string };
}

export interface Amended {
  event: AmendedEvent;
  plan: Plan;
}

export type RolledBack = Extract<LedgerEvent, { type: "rolled-back" }>;

export interface RollbackInput extends Omit<AppendInput, "event"> {
  to: RollbackTarget;
  /** Who asks, and why. */
  asked: { by: string; why: string };
}
