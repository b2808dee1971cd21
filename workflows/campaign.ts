// The campaign: open the ledger, bootstrap once, iterate, train the offline baselines, close. It decides;
// activities do the work. Every decision is a ledger row before the workflow acts on it, so `open` can
// rebuild all that this workflow knows.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import type { BaselinePlan, Bootstrap, RunInput } from "../campaign/types.ts";
import type { baseline } from "./baseline.ts";
import type { bootstrap } from "./bootstrap.ts";
import { cancelled, completed, failed, outcome } from "./campaign-end.ts";
import { CampaignRun } from "./campaign-run.ts";
import type { CampaignOutcome } from "./messages.ts";

export async function campaign(input: RunInput): Promise<CampaignOutcome> {
  const run = new CampaignRun(input);
  try {
    return await run.scope.run(() => conduct(run));
  } catch (error) {
    // Not a failure: the next run continues this one.
    if (error instanceof ContinueAsNew) throw error;
    return CancellationScope.nonCancellable(() =>
      isCancellation(error) ? cancelled(run) : failed(run, error),
    );
  }
}

// If workers are versions of a deployment, the long-lived campaign moves to the current version and its
// children stay on the version that started them. Without a deployment the server refuses a versioning
// behaviour.
setWorkflowOptions(
  () =>
    workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: "AUTO_UPGRADE" } : {},
  campaign,
);

async function conduct(run: CampaignRun): Promise<CampaignOutcome> {
  const { plan, record } = await run.open();
  if (record.status === "completed" || record.status === "cancelled") return outcome(run, record.status);

  const start = record.bootstrap ?? (await bootstrapOnce(run));
  // Baselines train beside the iterations. A failed baseline fails the campaign.
  const baselines = plan.baselines
    .filter(({ name }) => !record.baselines[name])
    .map((variant) => runBaseline(run, start, variant));
  await Promise.all([iterate(run, start, baselines.length), ...baselines]);
  // A rollback or an extension may come at any time before the last row.
  for (;;) {
    const ended = await completed(run);
    if (ended) return ended;
    await iterate(run, start, baselines.length);
  }
}

async function bootstrapOnce(run: CampaignRun): Promise<Bootstrap> {
  const finished = await run.child<typeof bootstrap>(
    "bootstrap",
    { iteration: 0, take: 1 },
    { given: run.opened.policy },
  );
  await run.decide({ type: "bootstrap-finished", ...finished });
  return finished.bootstrap;
}

async function iterate(run: CampaignRun, start: Bootstrap, baselines: number): Promise<void> {
  const { state } = run;
  while (state.iterationsLeft) {
    const { next, latest, promoted, earlier } = state.standing;
    if (!latest || !promoted) throw run.impossible("an iteration needs a finished bootstrap");
    await run.iterate(next, { bootstrap: start, latest, promoted, earlier });
    if (state.iterationsLeft && workflowInfo().continueAsNewSuggested) await continueRun(run, baselines);
    // While baselines still train, a rollback may give it another iteration to make.
    await condition(() => state.iterationsLeft || state.baselinesFinished === baselines);
  }
}

/**
 * Children do not follow a continue-as-new, so this waits for the baselines. No iteration starts meanwhile,
 * so history does not grow.
 */
async function continueRun(run: CampaignRun, baselines: number): Promise<void> {
  await condition(() => run.state.baselinesFinished === baselines && allHandlersFinished());
  await continueAsNew<typeof campaign>({ ...run.input, continues: run.opened.epoch });
}

async function runBaseline(run: CampaignRun, start: Bootstrap, variant: BaselinePlan): Promise<void> {
  const place = { baseline: variant.name, take: 1 };
  const finished = await run.child<typeof baseline>("baseline", place, {
    baseline: variant,
    bootstrap: start,
  });
  await run.decide({ type: "baseline-finished", name: variant.name, ...finished });
  run.state.baselinesFinished += 1;
}
