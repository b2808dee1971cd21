// Carries out the decision of decide-start.ts: first the ledger row, then the workflow. If two clients create
// one id at the same time, one of them writes the first row of the ledger; the other finds that row and
// decides again.
import { setTimeout as sleep } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import type { CampaignRecord, Digest, HubSource, LedgerEvent } from "../../campaign/types.ts";
import { decideStart } from "../../start/decide-start.ts";
import type { StartDecision, StartRequest } from "../../start/decide-start.ts";
import { writeFirstRow } from "../../start/first-row.ts";
import { withoutDrift } from "../../start/drift.ts";
import { refusal } from "../../start/refusal.ts";
import { ledgerGone } from "../../store/ledger-errors.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { outcomeOf } from "../follow/outcome.ts";
import type { CampaignOutcome } from "../follow/outcome.ts";
import { readCampaign } from "../record/record.ts";
import type { ReadCampaign } from "../record/record.ts";

export interface StartOptions {
  campaignId: string;
  name: string;
  specDigest: Digest;
  /** What the spec read from the hub, for the first row of the ledger. */
  sources?: HubSource[];
  takeOver: boolean;
  resume: boolean;
  /** Who starts it, and an id: requests with the same id are carried out once. */
  by: string;
  requestId: string;
}

export interface Started {
  campaignId: string;
  specDigest: Digest;
  action: "created" | "attached" | "resumed" | "reopened" | "completed";
  runId?: string;
  /** If the campaign had completed before. */
  outcome?: CampaignOutcome;
}

/** Longest wait for the end of an earlier run. */
const CLOSING_MS = 30_000;

export async function startCampaign(store: Store, gateway: Gateway, asked: StartOptions): Promise<Started> {
  const { campaignId } = asked;
  const read = await readCampaign(store, campaignId);
  const specDigest = read ? await withoutDrift(store, read, asked.specDigest) : asked.specDigest;
  const options = { ...asked, specDigest };
  const request: StartRequest = {
    ...options,
    server: await gateway.identity(),
    namespace: gateway.namespace,
  };
  const record = read?.record;
  const { runningHere, otherStore } = await openRun(store, gateway, options);
  if (runningHere && !record) throw ledgerGone(store, campaignId); // its run began after its ledger
  const decision = decideStart(record, runningHere, request);
  const begun = { campaignId, specDigest };
  switch (decision.action) {
    case "refuse":
      throw await refusal(store, read as ReadCampaign, { ...decision, ...begun, here: gateway.address });
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

/** Throws owned_elsewhere if this server runs the campaign for another store, unless it is taken over. */
async function openRun(
  store: Store,
  gateway: Gateway,
  { campaignId, takeOver }: StartOptions,
): Promise<{ runningHere: boolean; otherStore: boolean }> {
  const run = await gateway.run(campaignWorkflowId(campaignId));
  // A campaign that was moved to this store may still have an open run for its old store, under the same
  // workflow id.
  const otherStore = run?.status === "running" && run.store !== undefined && run.store !== store.name;
  if (otherStore && !takeOver) {
    throw new RatchetError("owned_elsewhere", `this server runs ${campaignId} for the store ${run.store}`, {
      hint: "if the campaign was moved from that store: start with --take-over, which ends that run",
    });
  }
  return { runningHere: run?.status === "running" && !otherStore, otherStore };
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
  if (!replace) await untilClosed(gateway, options.campaignId);
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

/** False if another client wrote the first row before, with another spec. */
async function created(store: Store, options: StartOptions): Promise<boolean> {
  const { event } = await writeFirstRow(store, options);
  return event.type === "created" && event.specDigest === options.specDigest;
}

/** Attaches to an open run of the id, unless `replace`. */
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

/** Waits for the end of an earlier run: a new start would attach to it. */
export async function untilClosed(gateway: Gateway, campaignId: string): Promise<void> {
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
