// `list`: the campaigns of a store by id, a few at a time, so that memory does not grow with their number.
import type { CampaignStatus } from "../../campaign/types.ts";
import { foldLedger } from "../../campaign/rules.ts";
import type { RatchetError } from "../../errors/index.ts";
import { CAMPAIGNS_PREFIX } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { readSpec } from "../record/record.ts";
import { readRowsOnce } from "../record/rows.ts";
import { summary } from "./status.ts";
import type { CampaignSummary } from "./status.ts";

export interface ListOptions {
  /** In one of these states. */
  states?: readonly CampaignStatus[] | undefined;
  /** Part of the id or of the spec's name. */
  name?: string | undefined;
  /** Beginning of the spec's digest. */
  spec?: string | undefined;
  /** The last row is not older. */
  since?: Date | undefined;
  /** Ids after this one. */
  after?: string | undefined;
  limit?: number | undefined;
  /** Of a campaign whose record is damaged. Without it, the error is thrown. */
  onDamaged?: ((campaignId: string, error: RatchetError) => void) | undefined;
}

interface Damaged {
  campaignId: string;
  damage: RatchetError;
}

/** Campaigns read at once. */
const AT_ONCE = 16;

/** In the order of their ids. */
export async function* listCampaigns(
  store: Store,
  options: ListOptions = {},
): AsyncGenerator<CampaignSummary> {
  let left = options.limit ?? Infinity;
  for await (const ids of batches(idsAfter(store, options.after), AT_ONCE)) {
    if (left <= 0) return;
    for (const found of await Promise.all(ids.map((id) => summaryOf(store, id, options)))) {
      if (left <= 0) return;
      if (found === undefined) continue;
      if ("damage" in found) {
        if (!options.onDamaged) throw found.damage;
        options.onDamaged(found.campaignId, found.damage);
        continue;
      }
      left -= 1;
      yield found;
    }
  }
}

async function* idsAfter({ backend }: Store, after = ""): AsyncGenerator<string> {
  for await (const id of backend.folders(CAMPAIGNS_PREFIX)) if (id > after) yield id;
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Undefined for a campaign that the filters leave out, and for a folder without a ledger. */
async function summaryOf(
  store: Store,
  campaignId: string,
  { states, name, spec, since }: ListOptions,
): Promise<CampaignSummary | Damaged | undefined> {
  try {
    const rows = await readRowsOnce(store, campaignId);
    if (rows.length === 0) return undefined;
    const record = foldLedger(campaignId, rows);
    if (states && !states.includes(record.status)) return undefined;
    if (name !== undefined && !campaignId.includes(name) && !record.name.includes(name)) return undefined;
    if (spec !== undefined && !record.specDigest.startsWith(spec)) return undefined;
    if (since && Date.parse(rows.at(-1)?.at ?? "") < since.getTime()) return undefined;
    return summary(record, (await readSpec(store, record)).iterations, rows);
  } catch (error) {
    if ((error as RatchetError).kind !== "artifact") throw error;
    return { campaignId, damage: error as RatchetError };
  }
}
