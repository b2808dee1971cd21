// A blob that is missing together with the campaign's ledger is not lost: another store is in the place of
// the campaign's, for example in the folder of a disk that is not mounted.
import type { RatchetError } from "../../errors/index.ts";
import type { CampaignInput } from "../../campaign/types.ts";
import { ledgerKey } from "../../store/layout.ts";
import { ledgerGone } from "../../store/ledger-errors.ts";
import type { Store } from "../../store/types.ts";

/** The error of an attempt, or the loss of its store behind it. */
export async function lossOf(store: Store, { campaignId }: CampaignInput, error: unknown): Promise<unknown> {
  if ((error as Partial<RatchetError>).code !== "artifact_missing") return error;
  return store.backend.stat(ledgerKey(campaignId, 0)).then(
    (row) => (row ? error : ledgerGone(store, campaignId, error)),
    (unreachable: unknown) => unreachable,
  );
}
