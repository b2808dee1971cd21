// A campaign whose labels may be given now.
import type { Store } from "../store/types.ts";
import type { Repairs } from "./questionnaires.ts";

export interface LabelSource {
  campaignId: string;
  store: Store;
  /** Of the campaign's ledger now. Throws campaign_moved if labels belong into another store. */
  repairs(): Promise<Repairs>;
}
