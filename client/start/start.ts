// Carries out what decide-start.ts decides: ledger row first, then the workflow. Two clients that start one id at once meet in the
// ledger's first row, and the later one decides again from what it finds there.
import { setTimeout as sleep } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import type { CampaignRecord, Digest, LedgerEvent } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { decideStart } from "./decide-start.ts";
import type { StartDecision, StartRequest } from "./decide-start.ts";
import { differences, showDifference } from "./differences.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { outcomeOf } from "../follow/outcome.ts";
import type { CampaignOutcome } from "../follow/outcome.ts";
import { readCampaign } from "../record/record.ts";

export interface StartOptions {
  campaignId: string;
  name: string;
  specDigest: Digest;
  takeOver: boolean;
  resume: boolean;
  /** Who starts it, and the id that makes a repeated request one request. */
  by: string;
  requestId: string;
}

export interface Started {
  campaignId: string;
  specDigest: Digest;
  action: "created" | "attached" | "resumed" | "reopened" | "completed";
  runId?: string;
  /** Where it had completed before. */
  outcome?: CampaignOutcome;
}

const CLOSING_MS = 30_000;

export async function startCampaign(store: Store, gateway: Gateway, options: StartOptions): Promise<Started> {
  const { campaignId, specDigest } = options;
  const request: StartRequest = {
    ...options,
    server: await gateway.identity(),
    namespace: gateway.namespace,
  };
  const record = (await readCampaign(store, campaignId))?.record;
  const run = await gateway.run(campaignWorkflowId(campaignId));
  // Ids are a server's, campaigns are a store's: the run of a campaign that was moved here may still be open for the store that it left.
  const otherStore = run?.status === "running" && run.store !== undefined && run.store !== store.name;
  if (otherStore && !options.takeOver) {
    throw new RatchetError("owned_elsewhere", `this server runs ${campaignId} for the store ${run.store}`, {
      hint: "where the campaign was moved from there: start with --take-over, which ends that run",
    });
  }
  const runningHere = run?.status === "running" && !otherStore;
  const decision = decideStart(record, runningHere, request);
  const begun = { campaignId, specDigest };
  switch (decision.action) {
    case "refuse":
      throw await refusal(store, gateway, record as CampaignRecord, decision.code, specDigest);
    case "completed":
      return { ...begun, action: "completed", outcome: outcomeOf(record as CampaignRecord) };
    case "attach":
      return { ...begun, action: "attached", ...(await startWorkflow(store, gateway, options, false)) };
    case "create":
      return (await created(store, options))
        ? { ...begun, action: "created", ...(await startWorkflow(store, gateway, options, otherStore)) }
        : startCampaign(store, gateway, options);
    case "reopen":
    case "resume":
      return {
        ...begun,
        ...(await startAgain(store, gateway, record as CampaignRecord, decision, options, otherStore)),
      };
  }
}

async function startAgain(
  store: Store,
  gateway: Gateway,
  record: CampaignRecord,
  decision: StartDecision & { action: "reopen" | "resume" },
  options: StartOptions,
  otherStore: boolean,
): Promise<Pick<Started, "action" | "runId">> {
  const replace = otherStore || (decision.action === "resume" && decision.replace);
  if (!replace) await closed(gateway, options.campaignId);
  if (decision.action === "reopen") {
    const event: LedgerEvent = { type: "reopened", by: options.by, why: "start --resume" };
    await store
      .ledger(options.campaignId)
      .append({ id: `reopened:${options.requestId}`, epoch: record.epoch, event, by: options.by });
  }
  return {
    action: decision.action === "reopen" ? "reopened" : "resumed",
    ...(await startWorkflow(store, gateway, options, replace)),
  };
}

/** False where somebody else's row came first and it has another spec. */
async function created(store: Store, { campaignId, specDigest, name, by }: StartOptions): Promise<boolean> {
  const row = await store
    .ledger(campaignId)
    .append<LedgerEvent>({ id: "created", epoch: 0, event: { type: "created", specDigest, name }, by });
  return row.event.type === "created" && row.event.specDigest === specDigest;
}

/** Starting is idempotent: an open run of the id is attached to. */
function startWorkflow(
  store: Store,
  gateway: Gateway,
  { campaignId, specDigest, name }: StartOptions,
  replace: boolean,
): Promise<{ runId: string }> {
  return gateway.start(
    { campaignId, specDigest, storeName: store.name },
    { replace, summary: `${name} as ${campaignId}` },
  );
}

/** An ended campaign's run may still be closing: attaching to it would follow the wrong one. */
async function closed(gateway: Gateway, campaignId: string): Promise<void> {
  const until = Date.now() + CLOSING_MS;
  while ((await gateway.run(campaignWorkflowId(campaignId)))?.status === "running") {
    if (Date.now() > until) {
      throw new RatchetError(
        "no_worker",
        `the earlier run of ${campaignId} is still closing after ${CLOSING_MS / 1000} s`,
        { hint: "it closes as soon as a worker runs: ratchet worker" },
      );
    }
    await sleep(500);
  }
}

async function refusal(
  store: Store,
  gateway: Gateway,
  record: CampaignRecord,
  code: "campaign_differs" | "campaign_cancelled" | "campaign_moved" | "owned_elsewhere",
  specDigest: Digest,
): Promise<Error> {
  const { campaignId } = record;
  switch (code) {
    case "campaign_differs": {
      const [before, after] = await Promise.all([
        store.getJson(record.specDigest),
        store.getJson(specDigest),
      ]);
      const found = differences(before, after);
      const shown = found.slice(0, 8).map(showDifference).join("; ");
      const message = `campaign ${campaignId} (${record.status}) has another spec: ${shown}${found.length > 8 ? `; and ${found.length - 8} more` : ""}`;
      const problems = found.map((difference) => ({
        path: difference.path,
        message: showDifference(difference),
      }));
      return new RatchetError("campaign_differs", message, {
        hint: "start it under a new id with --id",
        problems,
      });
    }
    case "campaign_cancelled":
      return new RatchetError("campaign_cancelled", `campaign ${campaignId} was cancelled`, {
        hint: "go on with it: start with --resume",
      });
    case "campaign_moved":
      return new RatchetError("campaign_moved", record.failure?.message ?? campaignId, {
        hint: "start it there: --store",
      });
    case "owned_elsewhere":
      return new RatchetError(
        "owned_elsewhere",
        `campaign ${campaignId} is ${record.status} on another server (${record.server}, namespace ${record.namespace}), not on ${gateway.address}`,
        {
          hint: "where that server is gone for good: start with --take-over",
        },
      );
  }
}
