// Rules of a campaign that workflows, activities and readers share. Pure, imports nothing but types.
import type { CampaignRecord, IterationRecord, LedgerEvent, LedgerRow, Pointer } from "./types.ts";

/** Folds a campaign's ledger, oldest row first, into what a resume needs. The first row must be `created`. */
export function foldLedger(campaignId: string, rows: LedgerRow[]): CampaignRecord {
  const first = rows[0]?.event;
  if (first?.type !== "created") throw new Error(`ledger of ${campaignId} does not begin with a created row`);
  const record: CampaignRecord = {
    campaignId,
    name: first.name,
    specDigest: first.specDigest,
    status: "created",
    epoch: 0,
    next: { iteration: 1, take: 1 },
    baselines: {},
    iterations: [],
    rows: rows.length,
  };
  for (const row of rows) {
    record.epoch = Math.max(record.epoch, row.epoch);
    applyEvent(record, row.event);
  }
  return record;
}

/** What one decision changes. The workflow applies the rows it appends with the same rule that a reader folds with. */
export function applyEvent(record: CampaignRecord, event: LedgerEvent): void {
  switch (event.type) {
    case "created":
      return;
    case "opened":
      // A paused campaign stays paused across a takeover; a failed one is running again.
      record.status = record.status === "paused" ? "paused" : "running";
      record.server = event.server;
      record.namespace = event.namespace;
      delete record.failure;
      return;
    case "bootstrap-finished":
      finish(record, { iteration: 0, take: 1, policy: event.bootstrap.policy, stages: event.stages, decision: "promoted" });
      record.bootstrap = event.bootstrap;
      return;
    case "iteration-finished": {
      const { type: _, ...iteration } = event;
      finish(record, iteration);
      return;
    }
    case "baseline-finished":
      record.baselines[event.name] = { policy: event.policy, stages: event.stages };
      return;
    case "paused":
      record.status = "paused";
      return;
    case "resumed":
    case "reopened":
      record.status = "running";
      return;
    case "cancelled":
      record.status = "cancelled";
      return;
    case "failed":
      record.status = "failed";
      record.failure = { code: event.code, message: event.message };
      return;
    case "completed":
      record.status = "completed";
      return;
    case "moved":
      record.status = "moved";
      record.failure = { code: "campaign_moved", message: `${record.campaignId} was moved to ${event.to}` };
      return;
    case "repaired":
    case "erased":
      return;
  }
}

/** How often each manifest was set aside by a repair, by key. */
export function repairsOf(rows: readonly { event: LedgerEvent }[]): Map<string, number> {
  const repairs = new Map<string, number>();
  for (const { event } of rows) if (event.type === "repaired") for (const key of event.manifests) repairs.set(key, (repairs.get(key) ?? 0) + 1);
  return repairs;
}

function finish(record: CampaignRecord, iteration: IterationRecord): void {
  const { policy, take, stages } = iteration;
  const pointer: Pointer = { iteration: iteration.iteration, take, policy, validation: stages.validation ?? "" };
  record.iterations.push(iteration);
  record.latest = pointer;
  if (iteration.decision === "promoted") record.promoted = pointer;
  record.next = { iteration: iteration.iteration + 1, take: 1 };
}
