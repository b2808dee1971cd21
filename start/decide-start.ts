// The decision of `start` as a pure function of the ledger's record, of whether this server has an open run,
// and of the request (docs/cli.md, "start").
import type { CampaignRecord, Digest } from "../campaign/types.ts";

export interface StartRequest {
  specDigest: Digest;
  /** Identity and namespace of the server that is to run it. */
  server: string;
  namespace: string;
  /** Take ownership from another server, or replace a stuck run here. */
  takeOver: boolean;
  /** Resume a cancelled campaign. */
  resume: boolean;
}

export type StartDecision =
  /** There is no ledger: write its first row, then start. */
  | { action: "create" }
  /** It runs here with this spec: follow it. */
  | { action: "attach" }
  /** Start the workflow again; its `open` takes the next epoch. `replace`: end the open run here first. */
  | { action: "resume"; replace: boolean }
  /** It was cancelled and is resumed: write `reopened`, then start. */
  | { action: "reopen" }
  | { action: "completed" }
  | {
      action: "refuse";
      code: "campaign_differs" | "campaign_cancelled" | "campaign_moved" | "owned_elsewhere";
    };

/** `runningHere`: this server has an open run of the campaign's workflow. */
export function decideStart(
  record: CampaignRecord | undefined,
  runningHere: boolean,
  request: StartRequest,
): StartDecision {
  if (!record) return { action: "create" };
  if (record.status === "moved") return { action: "refuse", code: "campaign_moved" };
  if (record.specDigest !== request.specDigest) return { action: "refuse", code: "campaign_differs" };
  if (record.status === "completed") return { action: "completed" };
  if (record.status === "cancelled")
    return request.resume ? { action: "reopen" } : { action: "refuse", code: "campaign_cancelled" };
  if (ownedElsewhere(record, request)) {
    return request.takeOver
      ? { action: "resume", replace: runningHere }
      : { action: "refuse", code: "owned_elsewhere" };
  }
  // The user says that the run here is stuck, for example because the present code cannot replay it.
  if (request.takeOver && runningHere) return { action: "resume", replace: true };
  // The row `failed` is written before the run closes: the open run of a failed campaign is about to end.
  return runningHere && record.status !== "failed"
    ? { action: "attach" }
    : { action: "resume", replace: false };
}

/**
 * Another server opened the campaign, and it has not ended there. Nobody owns a campaign that was never
 * opened.
 */
function ownedElsewhere(record: CampaignRecord, { server, namespace }: StartRequest): boolean {
  const open = record.status === "running" || record.status === "paused";
  return open && record.server !== undefined && (record.server !== server || record.namespace !== namespace);
}
