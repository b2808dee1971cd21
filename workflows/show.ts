// What Temporal's web UI and search show of a campaign.
import { setCurrentDetails, upsertSearchAttributes } from "@temporalio/workflow";
import { defineSearchAttributeKey } from "@temporalio/common";
import { SEARCH_ATTRIBUTES } from "../campaign/ids.ts";
import type { CampaignState } from "./state.ts";

const PHASE = defineSearchAttributeKey("RatchetPhase", SEARCH_ATTRIBUTES.RatchetPhase);
const ITERATION = defineSearchAttributeKey("RatchetIteration", SEARCH_ATTRIBUTES.RatchetIteration);

export function show(state: CampaignState): void {
  setCurrentDetails(state.card());
  if (!state.opened.searchAttributes) return;
  upsertSearchAttributes([
    { key: PHASE, value: state.status },
    { key: ITERATION, value: Math.max(state.standing.latest?.iteration ?? 0, 0) },
  ]);
}
