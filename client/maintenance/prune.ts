// `prune`: the one place that deletes. Mark and sweep: whatever any campaign of the store reaches stays, all finished iterations and
// the checkpoints of those that can still go on among them; the rest goes once it has lain untouched for the grace period. Writers
// that reuse an old blob write it again, and look once more before a manifest names it (docs/store.md, "Pruning").
import { RatchetError } from "../../errors/index.ts";
import { workPrefix } from "../../campaign/ids.ts";
import { BLOBS_PREFIX, PROBES_PREFIX } from "../../store/layout.ts";
import type { Entry, Store } from "../../store/types.ts";
import { eachOf } from "../record/each.ts";
import { campaignIds, requireCampaign } from "../record/record.ts";
import { ReachableSet } from "./reachable-set.ts";

export interface PruneOptions {
  dryRun: boolean;
  /** Nothing that was written within this time is touched. */
  graceMs: number;
}

export interface Amount {
  count: number;
  sizeBytes: number;
}

export interface Pruned {
  dryRun: boolean;
  campaigns: number;
  kept: Amount;
  /** Not needed, and too young to be deleted. */
  young: Amount;
  blobs: Amount;
  /** Of campaigns that have completed: checkpoints, and what is kept of references. */
  checkpoints: Amount;
  /** Half-written files, unfinished uploads, probes. */
  leftovers: Amount;
}

export const GRACE_MS = 24 * 60 * 60_000;

export async function pruneStore(store: Store, { dryRun, graceMs }: PruneOptions): Promise<Pruned> {
  if (!(graceMs >= 0)) throw new RatchetError("usage_invalid", `${graceMs} ms is no grace period`);
  const nothing = (): Amount => ({ count: 0, sizeBytes: 0 });
  const pruned: Pruned = {
    dryRun,
    campaigns: 0,
    kept: nothing(),
    young: nothing(),
    blobs: nothing(),
    checkpoints: nothing(),
    leftovers: nothing(),
  };
  const before = Date.now() - graceMs;
  const count = (amount: Amount, { sizeBytes }: Entry): void =>
    void ((amount.count += 1), (amount.sizeBytes += sizeBytes));
  const sweep = async (amount: Amount, entry: Entry, remove: () => Promise<void>): Promise<void> => {
    if (entry.modifiedMs > before) return count(pruned.young, entry);
    if (!dryRun) await remove();
    count(amount, entry);
  };

  // Listed before it is marked: a blob that is written later is not in the list, and a manifest that is committed later finds its blobs young.
  const blobs: Entry[] = [];
  for await (const entry of store.backend.entries(BLOBS_PREFIX)) blobs.push(entry);
  const reachable = new ReachableSet(store);
  for (const id of await campaignIds(store)) {
    const { record } = await requireCampaign(store, id);
    pruned.campaigns += 1;
    const done = record.status === "completed";
    await reachable.campaign(id, { checkpoints: !done });
    if (done)
      for await (const entry of store.backend.entries(workPrefix(id)))
        await sweep(pruned.checkpoints, entry, () => store.backend.delete(entry.key));
  }
  await eachOf(blobs, async (entry) => {
    if (reachable.digests.has(entry.key.slice(entry.key.lastIndexOf("/") + 1)))
      return count(pruned.kept, entry);
    // Looked at again: a writer may have touched it since it was listed.
    const now = entry.modifiedMs > before || dryRun ? entry : await store.backend.stat(entry.key);
    if (now) await sweep(pruned.blobs, now, () => store.backend.delete(entry.key));
  });
  for await (const entry of store.backend.entries(PROBES_PREFIX))
    await sweep(pruned.leftovers, entry, () => store.backend.delete(entry.key));
  for await (const leftover of store.backend.leftovers())
    await sweep(pruned.leftovers, leftover, () => leftover.remove());
  return pruned;
}
