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
    apply(record, row.event);
  }
  return record;
}

function apply(record: CampaignRecord, event: LedgerEvent): void {
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
      record.bootstrap = event.bootstrap;
      record.latest = pointer(0, 1, event.bootstrap.policy, event.stages.validation);
      record.promoted = record.latest;
      record.iterations.push({ iteration: 0, take: 1, policy: event.bootstrap.policy, stages: event.stages, decision: "promoted" });
      return;
    case "iteration-finished":
      record.latest = pointer(event.iteration, event.take, event.policy, event.stages.validation);
      record.iterations.push({ iteration: event.iteration, take: event.take, policy: event.policy, stages: event.stages });
      record.next = { iteration: event.iteration + 1, take: 1 };
      return;
    case "promoted":
    case "kept": {
      const iteration = find(record, event.iteration, event.take);
      iteration.decision = event.type;
      iteration.stages = { ...iteration.stages, promote: event.promote };
      if (event.type === "promoted") record.promoted = pointer(event.iteration, event.take, event.policy, iteration.stages.validation);
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
  }
}

function pointer(iteration: number, take: number, policy: string, validation: string | undefined): Pointer {
  return { iteration, take, policy, ...(validation ? { validation } : {}) };
}

function find(record: CampaignRecord, iteration: number, take: number): IterationRecord {
  const found = record.iterations.find((entry) => entry.iteration === iteration && entry.take === take);
  if (!found) throw new Error(`ledger of ${record.campaignId} decides on iteration ${iteration}.${take} before it finished`);
  return found;
}
