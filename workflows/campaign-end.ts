// How a run of a campaign ends. Each end is a ledger row first.
import { ApplicationFailure, condition } from "@temporalio/workflow";
import type { CampaignRun } from "./campaign-run.ts";
import { failureOf } from "./failure.ts";
import type { CampaignOutcome } from "./messages.ts";

export function outcome(run: CampaignRun, status: CampaignOutcome["status"]): CampaignOutcome {
  const { latest, promoted } = run.state.standing;
  return { status, latest: latest?.policy, promoted: promoted?.policy };
}

/** Undefined if a rollback or an extension came first. */
export async function completed(run: CampaignRun): Promise<CampaignOutcome | undefined> {
  const { state } = run;
  const { latest, promoted } = state.standing;
  if (!latest || !promoted) throw run.impossible("a campaign cannot complete without a policy");
  const event = { type: "completed", latest: latest.policy, promoted: promoted.policy } as const;
  // A pause after the last iteration.
  if (state.isPaused) await condition(() => !state.isPaused);
  await run.decide(event, { isVoid: () => state.iterationsLeft });
  return state.iterationsLeft ? undefined : outcome(run, "completed");
}

/** The `cancel` update has written the row already; after Temporal's own cancellation it is written here. */
export async function cancelled(run: CampaignRun): Promise<CampaignOutcome> {
  if (!run.isOpen) return { status: "cancelled" };
  if (!run.cancelRecorded)
    await run.decide({ type: "cancelled", by: "temporal", why: "the workflow was cancelled" });
  return outcome(run, "cancelled");
}

/** A run that lost its lease no longer owns the campaign, so it writes no row. */
export async function failed(run: CampaignRun, error: unknown): Promise<never> {
  const failure = failureOf(error);
  if (run.isOpen && failure.code !== "lease_lost") await run.decide({ type: "failed", ...failure });
  throw ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: true,
    cause: error as Error,
  });
}
