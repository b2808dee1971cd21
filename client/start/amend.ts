// `amend` and `extend`: other settings for the iterations that have not begun. A running campaign writes the
// row itself. A completed one has no run that an update could reach: here the row is written first, and then
// the campaign starts again.
import { RatchetError } from "../../errors/index.ts";
import { amendedMeanwhile, requireAmendment } from "../../campaign/spec/amend.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { foldLedger } from "../../campaign/rules.ts";
import type { CampaignStatus, Digest, LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { controlCampaign } from "../follow/control.ts";
import { readSpec, requireCampaign } from "../record/record.ts";
import type { ReadCampaign } from "../record/record.ts";
import { requireGiven } from "../../start/given.ts";
import { startCampaign, untilClosed } from "./start.ts";

export type AmendedRow = Extract<LedgerEvent, { type: "amended" }>;

export interface AmendOptions {
  by: string;
  why: string;
  /** Requests with the same id are carried out once. */
  requestId: string;
}

export interface AmendedCampaign extends Pick<AmendedRow, "specDigest" | "holdsFrom" | "changes"> {
  campaignId: string;
  status: CampaignStatus;
  iterations: number;
  /** So many iterations have prompts of their own; later ones use those of the first again. */
  ownPrompts: number;
  /** True if it had completed. */
  restarted: boolean;
}

/** What is asked, given the newest spec. */
export type AskedSpec = (current: CompiledSpec) => CompiledSpec | Promise<CompiledSpec>;

export async function amendCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  ask: AskedSpec,
  options: AmendOptions,
): Promise<AmendedCampaign> {
  const before = await requireCampaign(store, campaignId);
  const id = `amended:${options.requestId}`;
  if (!before.rows.some((row) => row.id === id)) await writeRow(store, gateway, before, ask, options);
  const { record, rows } = await requireCampaign(store, campaignId);
  const { specDigest, holdsFrom, changes } = rows.find((row) => row.id === id)!.event as AmendedRow;
  // Nobody has opened it since it had completed.
  const restarted = record.status === "running" && record.server === undefined;
  if (restarted) {
    await untilEnded(gateway, campaignId, rows);
    const { name, specDigest: newest } = record;
    const start = { campaignId, name, specDigest: newest, takeOver: false, resume: false, ...options };
    await startCampaign(store, gateway, start);
  }
  const { iterations, prompts } = await readSpec(store, { ...record, specDigest });
  const ownPrompts = prompts.iterations.count / prompts.perIteration;
  const { status } = record;
  return { campaignId, status, specDigest, holdsFrom, changes, iterations, ownPrompts, restarted };
}

/** The run that completed it may be closing still: a start would attach to it. */
async function untilEnded(gateway: Gateway, campaignId: string, rows: readonly LedgerRow[]): Promise<void> {
  const opened = rows.findLast(({ event }) => event.type === "opened")?.event;
  const run = await gateway.run(campaignWorkflowId(campaignId));
  if (opened?.type === "opened" && run?.runId === opened.runId) await untilClosed(gateway, campaignId);
}

async function writeRow(
  store: Store,
  gateway: Gateway,
  before: ReadCampaign,
  ask: AskedSpec,
  options: AmendOptions,
): Promise<void> {
  const { campaignId, specDigest: base, next } = before.record;
  const current = await readSpec(store, before.record);
  const { spec, changes } = await requireAmendment(current, await ask(current), {
    campaignId,
    holdsFrom: next,
    rowsOf: (digest) => store.getBlob(digest),
  });
  const specDigest = await store.putJson(spec);
  await requireGiven(store, campaignId, specDigest);
  const event: AmendedRow = { type: "amended", specDigest, holdsFrom: next, changes, ...whoAndWhy(options) };
  if (before.record.status === "completed")
    return restart(store, campaignId, { base, event, iterations: spec.iterations }, options);
  try {
    const amendment = { specDigest, base };
    await controlCampaign(store, gateway, campaignId, "amend", { ...options, amendment });
  } catch (error) {
    if ((error as { code?: string }).code !== "campaign_ended") throw error;
    // It may have completed since it was read.
    if ((await requireCampaign(store, campaignId)).record.status !== "completed") throw error;
    await restart(store, campaignId, { base, event, iterations: spec.iterations }, options);
  }
}

const whoAndWhy = ({ by, why }: AmendOptions): { by: string; why: string } => ({ by, why });

/** Its row takes the campaign over, so that two of them at once, or one and a `copy`, do not both count. */
async function restart(
  store: Store,
  campaignId: string,
  { base, event, iterations }: { base: Digest; event: AmendedRow; iterations: number },
  { by, requestId }: AmendOptions,
): Promise<void> {
  if (iterations < event.holdsFrom.iteration)
    throw new RatchetError("campaign_ended", `${campaignId} has completed all ${iterations} iterations`, {
      hint: `give it more: ratchet extend ${campaignId} --iterations +1`,
    });
  const refuses = (rows: readonly { event: LedgerEvent }[]): boolean => {
    const { status, specDigest } = foldLedger(campaignId, rows as LedgerRow[]);
    return status !== "completed" || specDigest !== base;
  };
  const id = `amended:${requestId}`;
  if (await store.ledger(campaignId).takeOver({ id, event, by }, refuses)) return;
  const { record, rows } = await requireCampaign(store, campaignId);
  if (record.specDigest !== base) throw amendedMeanwhile(record, rows);
  throw new RatchetError("campaign_ended", `${campaignId} is ${record.status} now, it was completed`);
}
