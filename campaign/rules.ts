// Rules that workflows, activities and readers share. Pure functions.
import { amend } from "./specs-in-force.ts";
import type { CampaignRecord, IterationRecord, LedgerEvent, LedgerRow, Pointer, Standing } from "./types.ts";

/** Stages that train a model, in recipe order. */
export const TRAININGS = ["sft", "reward", "refit", "train"] as const;

/** Earlier promoted policies in a campaign's state: its size must not depend on the number of iterations. */
export const EARLIER_MAX = 4;

/** The campaign's state after all rows of its ledger, oldest first. The first row must be `created`. */
export function foldLedger(campaignId: string, rows: readonly LedgerRow[]): CampaignRecord {
  const first = rows[0]?.event;
  if (first?.type !== "created") throw new Error(`ledger of ${campaignId} does not begin with a created row`);
  const record: CampaignRecord = {
    campaignId,
    name: first.name,
    specDigest: first.specDigest,
    specs: [{ specDigest: first.specDigest }],
    status: "created",
    epoch: 0,
    next: { iteration: 1, take: 1 },
    earlier: [],
    baselines: {},
    iterations: [],
    rows: rows.length,
  };
  for (const row of rows) {
    record.epoch = Math.max(record.epoch, row.epoch);
    applyEvent(record, row.event);
    const finished = finishedBy(row.event);
    if (finished) record.iterations.push(finished);
    if (row.event.type === "amended") amend(record, row.event);
    if (row.event.type === "rolled-back") supersede(record.iterations, row.event.restored.latest.iteration);
  }
  return record;
}

/** The part of the record that a workflow run needs. */
export function standingOf({
  name: _name,
  specDigest: _spec,
  specs: _specs,
  iterations: _iterations,
  rows: _rows,
  ...record
}: CampaignRecord): Standing {
  return {
    ...record,
    baselines: Object.fromEntries(
      Object.entries(record.baselines).map(([name, { policy }]) => [name, { policy }]),
    ),
  };
}

/**
 * Applies one decision. Readers fold the ledger with this rule; the workflow applies it to each row that it
 * appends.
 */
// oxlint-disable-next-line max-lines-per-function -- one switch over all events
export function applyEvent(standing: Standing, event: LedgerEvent): void {
  const finished = finishedBy(event);
  if (finished) finish(standing, finished);
  if (finished && standing.pausing && finished.iteration >= standing.pausing.after) pause(standing);
  switch (event.type) {
    case "opened":
      // A paused campaign stays paused when a new run opens it; a failed one runs again.
      standing.status = standing.status === "paused" ? "paused" : "running";
      standing.server = event.server;
      standing.namespace = event.namespace;
      delete standing.failure;
      return;
    case "bootstrap-finished":
      standing.bootstrap = event.bootstrap;
      return;
    case "baseline-finished": {
      const { type: _type, name, ...baseline } = event;
      standing.baselines[name] = baseline;
      return;
    }
    case "paused":
      if (event.after !== undefined) {
        standing.pausing = { after: event.after };
        return;
      }
      pause(standing);
      if (event.at === "shard") standing.pausedAt = event.at;
      if (event.short !== undefined) standing.short = event.short;
      return;
    case "resumed":
    case "reopened":
      standing.status = "running";
      delete standing.short;
      delete standing.pausing;
      delete standing.pausedAt;
      return;
    case "cancelled":
      standing.status = "cancelled";
      return;
    case "amended":
      // A completed campaign has more to do now. Any server may open it.
      if (standing.status !== "completed") return;
      standing.status = "running";
      delete standing.server;
      delete standing.namespace;
      return;
    case "rolled-back":
      Object.assign(standing, event.restored);
      delete standing.short;
      // The iteration that a pause waited for has ended.
      if (standing.pausing) pause(standing);
      return;
    case "failed":
      standing.status = "failed";
      standing.failure = { code: event.code, message: event.message };
      return;
    case "completed":
      standing.status = "completed";
      return;
    case "moved":
      standing.status = "moved";
      standing.failure = {
        code: "campaign_moved",
        message: `${standing.campaignId} was moved to ${event.to}`,
      };
      return;
    case "created":
    case "iteration-finished":
    case "repaired":
    case "labels-withdrawn":
    case "erased":
      return;
  }
}

function pause(standing: Standing): void {
  standing.status = "paused";
  delete standing.pausing;
}

function supersede(iterations: IterationRecord[], newest: number): void {
  for (const entry of iterations) if (entry.iteration > newest) entry.superseded = true;
}

/** The iteration that the campaign makes or makes next; 0 until the bootstrap has finished. */
export const currentPlace = ({ bootstrap, next }: Standing): Standing["next"] =>
  bootstrap ? next : { iteration: 0, take: 1 };

/** How often repairs set each manifest aside, by key. */
export function repairsOf(rows: readonly { event: LedgerEvent }[]): Map<string, number> {
  const repairs = new Map<string, number>();
  for (const { event } of rows)
    if (event.type === "repaired")
      for (const key of event.manifests) repairs.set(key, (repairs.get(key) ?? 0) + 1);
  return repairs;
}

/** The iteration that a row finishes; the bootstrap is iteration 0. */
function finishedBy(event: LedgerEvent): IterationRecord | undefined {
  if (event.type === "bootstrap-finished")
    return {
      iteration: 0,
      take: 1,
      policy: event.bootstrap.policy,
      stages: event.stages,
      decision: "promoted",
    };
  if (event.type !== "iteration-finished") return undefined;
  const { type: _type, ...iteration } = event;
  return iteration;
}

function finish(
  standing: Standing,
  { iteration, take, policy, rewardModel, replay, stages, decision }: IterationRecord,
): void {
  const pointer: Pointer = {
    iteration,
    take,
    policy,
    answers: stages.answer ?? "",
    ...(rewardModel ? { rewardModel, replay } : {}),
  };
  standing.latest = pointer;
  if (decision === "promoted") {
    if (standing.promoted) standing.earlier = [standing.promoted, ...standing.earlier].slice(0, EARLIER_MAX);
    standing.promoted = pointer;
  }
  standing.next = { iteration: iteration + 1, take };
}
