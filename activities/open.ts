// open, append and rollback: only they write the ledger of a running campaign.
import { RatchetError } from "../errors/index.ts";
import { planOf } from "../campaign/spec/plan.ts";
import { rollbackTo } from "../campaign/rollback.ts";
import { foldLedger, standingOf } from "../campaign/rules.ts";
import type {
  CampaignInput,
  CampaignRecord,
  CampaignStatus,
  Digest,
  LedgerEvent,
  LedgerRow,
} from "../campaign/types.ts";
import type { AppendInput, Opened, OpenInput, RollbackInput, RolledBack } from "./contract.ts";
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
  const spec = await specOf(deps.store, campaign.specDigest);
  return {
    epoch: record.epoch,
    policy: spec.policy.tree,
    plan: planOf(spec),
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
  if (record.specDigest !== specDigest)
    throw new RatchetError(
      "campaign_differs",
      `campaign ${campaignId} was created with spec ${short(record.specDigest)}, not ${short(specDigest)}`,
      { hint: "start it under a new id" },
    );
}

const short = (digest: Digest): string => digest.slice(0, 12);
