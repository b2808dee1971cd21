// One firing of a schedule: creates the campaign and waits for its end, so that the schedule's overlap policy
// and its pause after a failure are about campaigns.
import {
  ApplicationFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setWorkflowOptions,
  workflowInfo,
} from "@temporalio/workflow";
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import type { FiringBegun } from "../activities/firing-contract.ts";
import { campaignWorkflowId, SEARCH_ATTRIBUTES } from "../campaign/ids.ts";
import type { ScheduledCampaign } from "../campaign/types.ts";
import type { campaign } from "./campaign.ts";
import { failureOf } from "./failure.ts";
import type { CampaignOutcome } from "./messages.ts";
import { control } from "./options.ts";

const CAMPAIGN = defineSearchAttributeKey("RatchetCampaign", SEARCH_ATTRIBUTES.RatchetCampaign);
/** The server gives it to each workflow that a schedule starts: the time in whole seconds, without jitter. */
const SCHEDULED_AT = defineSearchAttributeKey("TemporalScheduledStartTime", "DATETIME");

/** A failed campaign fails the firing; a cancelled one does not. */
export async function firing(scheduled: ScheduledCampaign): Promise<CampaignOutcome> {
  try {
    const begun = await control.beginFiring({ ...scheduled, at: scheduledAt() });
    setCurrentDetails(`campaign **${begun.campaignId}**`);
    return await conduct(scheduled, begun);
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, message } = whyOf(error);
    throw ApplicationFailure.create({ type: code, message, nonRetryable: true, cause: error as Error });
  }
}

// Versioned as the campaign (campaign.ts), which it waits for.
setWorkflowOptions(
  () =>
    workflowInfo().currentDeploymentVersion?.deploymentName ? { versioningBehavior: "AUTO_UPGRADE" } : {},
  firing,
);

/** A cancelled firing cancels its campaign and waits for its end. A terminated one cancels it too. */
function conduct(
  { specDigest, storeName, name }: ScheduledCampaign,
  { campaignId, searchAttributes }: FiringBegun,
): Promise<CampaignOutcome> {
  return executeChild<typeof campaign>("campaign", {
    workflowId: campaignWorkflowId(campaignId),
    args: [{ campaignId, specDigest, storeName }],
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${name} as ${campaignId}`,
    memo: { store: storeName },
    typedSearchAttributes: searchAttributes ? [{ key: CAMPAIGN, value: campaignId }] : [],
  });
}

function scheduledAt(): string {
  const at = workflowInfo().typedSearchAttributes.get(SCHEDULED_AT);
  if (at) return at.toISOString();
  throw ApplicationFailure.nonRetryable("only a schedule starts a firing", "unreachable_state");
}

/** Temporal's own errors say only that an activity or a child has failed. */
function whyOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof WorkflowExecutionAlreadyStartedError)) return failureOf(error);
  return {
    code: "campaign_exists",
    message: `${error.workflowId} runs already: somebody else has started the campaign`,
  };
}
