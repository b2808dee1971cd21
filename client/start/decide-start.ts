// What `start` does with an id, as one pure table (docs/cli.md, "start"): rows are what the ledger and this server know of the id,
// columns whether the spec is the same.
import type { CampaignRecord, Digest } from "../../campaign/types.ts";

export interface StartRequest {
  specDigest: Digest;
  /** Identity and namespace of the server that is asked. */
  server: string;
  namespace: string;
  /** Take the campaign from another server that owns its epoch, or from its run here. */
  takeOver: boolean;
  /** Go on with a cancelled campaign. */
  resume: boolean;
}

export type StartDecision =
  /** No ledger: write its first row, then start. */
  | { action: "create" }
  /** Runs here with this spec: follow it. */
  | { action: "attach" }
  /** Start the workflow again; `open` takes epoch + 1 from the ledger. `replace`: end a run here that lost its lease. */
  | { action: "resume"; replace: boolean }
  /** Cancelled, and asked to go on: write `reopened`, then start. */
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
  // Asked for by name: the run here stands still, as one does that today's code cannot replay.
  if (request.takeOver && runningHere) return { action: "resume", replace: true };
  // A failed row is written before its run closes: the open run here is on its way out, not one to follow.
  return runningHere && record.status !== "failed"
    ? { action: "attach" }
    : { action: "resume", replace: false };
}

/** Another server holds the epoch and the campaign has not ended there; a campaign never opened is nobody's. */
function ownedElsewhere(record: CampaignRecord, { server, namespace }: StartRequest): boolean {
  const open = record.status === "running" || record.status === "paused";
  return open && record.server !== undefined && (record.server !== server || record.namespace !== namespace);
}
