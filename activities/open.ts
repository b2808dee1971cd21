// open and append: the only writers of a running campaign's ledger, on a queue of their own.
import { RatchetError } from "../errors/index.ts";
import { planOf } from "../campaign/spec/plan.ts";
import { foldLedger, standingOf } from "../campaign/rules.ts";
import type {
  CampaignInput,
  CampaignRecord,
  CampaignStatus,
  LedgerEvent,
  LedgerRow,
} from "../campaign/types.ts";
import type { AppendInput, Opened, OpenInput } from "./contract.ts";
import { refuseOtherStore } from "./attempt/context.ts";
import type { Deps } from "./deps.ts";
import type { Row } from "../store/types.ts";
import { specOf } from "./records.ts";

/** Final: such a campaign is only read. */
const ENDED: readonly CampaignStatus[] = ["completed", "cancelled", "moved"];

/**
 * Takes the campaign over (a row with epoch + 1) and returns all that a run needs; an ended campaign is only read. The epoch is that of the run's own
 * row, which an earlier attempt may have written: who has come between since owns the campaign, and so does who has come since the run that
 * goes on as this one.
 */
export async function open(deps: Deps, { campaign, runId, continues }: OpenInput): Promise<Opened> {
  refuseOtherStore(deps, campaign);
  refuseOther(campaign, await readRecord(deps, campaign));
  const event: LedgerEvent = { type: "opened", server: deps.server, namespace: deps.namespace, runId };
  // Judged by the rows that it would follow: another run may have come to the end since they were read above.
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

const takenOver = ({ campaignId }: CampaignInput, epoch: number, own: string): RatchetError =>
  new RatchetError("lease_lost", `campaign ${campaignId} was taken over: epoch ${epoch}, ${own}`);

async function readRecord(deps: Deps, { campaignId }: CampaignInput): Promise<CampaignRecord> {
  return foldLedger(campaignId, (await deps.store.ledger(campaignId).read<LedgerEvent>()) as LedgerRow[]);
}

function refuseOther({ campaignId, specDigest }: CampaignInput, record: CampaignRecord): void {
  if (record.status === "moved")
    throw new RatchetError("campaign_moved", record.failure?.message ?? campaignId, {
      hint: "start it there",
    });
  if (record.specDigest !== specDigest)
    throw new RatchetError(
      "campaign_differs",
      `campaign ${campaignId} was created with spec ${record.specDigest.slice(0, 12)}, not ${specDigest.slice(0, 12)}`,
      { hint: "start it under a new id" },
    );
}
