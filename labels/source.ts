// A campaign whose labels may be given now.
import type { Standing } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";
import type { Decided } from "./decided.ts";

export interface LabelSource {
  campaignId: string;
  store: Store;
  /** By the campaign's ledger now. Throws campaign_moved if labels belong into another store. */
  decided(): Promise<Decided & { standing: Standing }>;
  /** Called after a label of the place was stored. The campaign is told of all labels of a while at once. */
  given(place: string): void;
}
