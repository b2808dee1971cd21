// open, append, rollback and amend: only they write the ledger of a running campaign.
import { RatchetError } from "../errors/index.ts";
import { planOf } from "../campaign/spec/plan.ts";
import { rollbackTo } from "../campaign/rollback.ts";
import { foldLedger, standingOf } from "../campaign/rules.ts";
import { amendmentsFrom } from "../campaign/specs-in-force.ts";
import { amendedMeanwhile, requireAmendment } from "../campaign/spec/amend.ts";
import type {
  CampaignInput,
  CampaignRecord,
  CampaignStatus,
  Digest,
  LedgerEvent,
  LedgerRow,
  SpecInForce,
} from "../campaign/types.ts";
import type {
  Amended,
  AmendedEvent,
  AmendInput,
  AppendInput,
  Opened,
  OpenInput,
  RollbackInput,
  RolledBack,
} from "./ledger-contract.ts";
import { refuseOtherStore } from "./attempt/context.ts";
import type { Deps } from "./deps.ts";
import { ledgerGone } from "../store/ledger-errors.ts";
import type { Row } from "../store/types.ts";
import { specOf } from "./artifacts.ts";

/** Final states: an ended campaign is only read. */
const ENDED: readonly CampaignStatus[] = ["completed", "cancelled", "moved"];

/**
 * Takes the campaign over, by a row with epoch + 1, and returns everything that a run needs; an ended
 * campaign is only read. The epoch is that of this run's row, which an earlier attempt may have written.
 * Fails with `lease_lost` if another run has taken the campaign over after that row, or after the run that
 * this one continues.
 */
export async function open(deps: Deps, { campaign, runId, continues }: OpenInput): Promise<Opened> {
  refuseOtherStore(deps, campaign);
  refuseOther(campaign, await readRecord(deps, campaign));
  const event: LedgerEvent = { type: "opened", server: deps.server, namespace: deps.namespace, runId };
  // Decided by the rows before the new one: since the read above, another run may have ended the campaign.
  const ended = (rows: Row<LedgerEvent>[]): boolean => {
    const { epoch, status } = foldLedger(campaign.campaignId, rows as LedgerRow[]);
    if (continues !== undefined && epoch !== continues)
      throw takenOver(campaign, epoch, `the run before this one opened it with ${continues}`);
    return ENDED.includes(status);
  };
  const own = await deps.store
    .ledger(campaign.campaignId)
    .takeOver({ id: `opened:${runId}`, event, by: `workflow:${runId}` }, ended);
  const record = await readRecord(deps, campaign);
  if (own && record.epoch > own.epoch)
    throw takenOver(campaign, record.epoch, `this run opened it with ${own.epoch}`);
  const [{ specDigest }] = record.specs as [SpecInForce];
  const spec = await specOf(deps.store, specDigest);
  const amendments = amendmentsFrom(record.specs, record.next).map(async (amended) => ({
    ...amended,
    plan: planOf(await specOf(deps.store, amended.specDigest)),
  }));
  return {
    epoch: record.epoch,
    policy: spec.policy.tree,
    plan: planOf(spec),
    specDigest,
    amendments: await Promise.all(amendments),
    record: standingOf(record),
    searchAttributes: deps.searchAttributes,
  };
}

export async function append(deps: Deps, { campaign, epoch, id, event, by }: AppendInput): Promise<void> {
  refuseOtherStore(deps, campaign);
  await deps.store.ledger(campaign.campaignId).append({ id, epoch, event, by });
}

export async function rollback(
  deps: Deps,
  { campaign, epoch, id, to, asked, by }: RollbackInput,
): Promise<RolledBack> {
  refuseOtherStore(deps, campaign);
  const ledger = deps.store.ledger(campaign.campaignId);
  const rows = (await ledger.read<LedgerEvent>()) as LedgerRow[];
  // An earlier attempt has written it.
  const written = rows.find((row) => row.id === id);
  if (written) return written.event as RolledBack;
  const restored = rollbackTo(rows, to);
  if (typeof restored === "string")
    throw new RatchetError("address_unknown", `${campaign.campaignId} is not rolled back: ${restored}`);
  const event: RolledBack = { type: "rolled-back", restored, ...asked };
  await ledger.append({ id, epoch, event, by });
  return event;
}

/** The client has checked it too, but by the rows that it saw. */
export async function amend(
  deps: Deps,
  { campaign, epoch, id, specDigest, base, holdsFrom, asked, by }: AmendInput,
): Promise<Amended> {
  refuseOtherStore(deps, campaign);
  const { store } = deps;
  const { campaignId } = campaign;
  const ledger = store.ledger(campaignId);
  const rows = (await ledger.read<LedgerEvent>()) as LedgerRow[];
  const spec = await specOf(store, specDigest);
  // An earlier attempt has written it.
  const written = rows.find((row) => row.id === id);
  if (written) return { event: written.event as AmendedEvent, plan: planOf(spec) };
  const record = foldLedger(campaignId, rows);
  if (record.specDigest !== base) throw amendedMeanwhile(record, rows);
  const { changes } = await requireAmendment(await specOf(store, base), spec, {
    campaignId,
    holdsFrom,
    rowsOf: (digest) => store.getBlob(digest),
  });
  const event: AmendedEvent = { type: "amended", specDigest, holdsFrom, changes, ...asked };
  await ledger.append({ id, epoch, event, by });
  return { event, plan: planOf(spec) };
}

const takenOver = ({ campaignId }: CampaignInput, epoch: number, own: string): RatchetError =>
  new RatchetError("lease_lost", `campaign ${campaignId} was taken over: epoch ${epoch}, ${own}`);

async function readRecord({ store }: Deps, { campaignId }: CampaignInput): Promise<CampaignRecord> {
  const rows = (await store.ledger(campaignId).read<LedgerEvent>()) as LedgerRow[];
  // `start` wrote the first row before it started the workflow.
  if (rows.length === 0) throw ledgerGone(store, campaignId);
  return foldLedger(campaignId, rows);
}

function refuseOther({ campaignId, specDigest }: CampaignInput, record: CampaignRecord): void {
  if (record.status === "moved")
    throw new RatchetError("campaign_moved", record.failure?.message ?? campaignId, {
      hint: "start it there",
    });
  // A run that began before an amendment continues as new with the spec of before.
  if (!record.specs.some((spec) => spec.specDigest === specDigest))
    throw new RatchetError(
      "campaign_differs",
      `campaign ${campaignId} has spec ${short(record.specDigest)}, and never had ${short(specDigest)}`,
      { hint: "start it under a new id" },
    );
}

const short = (digest: Digest): string => digest.slice(0, 12);
