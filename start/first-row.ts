// The first row of a ledger, which creates the campaign. `start` writes it, and so does the firing of a
// schedule.
import type { Digest, HubSource, LedgerEvent } from "../campaign/types.ts";
import type { Row, Store } from "../store/types.ts";
import { requireGiven } from "./given.ts";

export interface NewCampaign {
  campaignId: string;
  /** The spec's name. */
  name: string;
  specDigest: Digest;
  /** What the spec read from the hub. */
  sources?: HubSource[];
  by: string;
}

/** Returns the first row. If another writer was faster, it is that writer's. */
export async function writeFirstRow(
  store: Store,
  { campaignId, specDigest, name, sources = [], by }: NewCampaign,
): Promise<Row<LedgerEvent>> {
  await requireGiven(store, campaignId, specDigest);
  const from = sources.length > 0 ? { sources } : {};
  const event: LedgerEvent = { type: "created", specDigest, name, ...from };
  return store.ledger(campaignId).append<LedgerEvent>({ id: "created", epoch: 0, event, by });
}
