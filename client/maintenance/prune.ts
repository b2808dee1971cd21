// `prune` deletes what no campaign needs. It first marks all that the campaigns of the store reach, which
// includes all finished iterations, the checkpoints of campaigns that have not completed, and the specs of
// schedules. Then it deletes the rest, if nobody wrote it within the grace period. A writer that reuses an
// old blob writes it again, and checks it once more before a manifest names it (docs/store.md, "Pruning").
import { RatchetError } from "../../errors/index.ts";
import { workPrefix } from "../../campaign/ids.ts";
import type { CampaignRecord } from "../../campaign/types.ts";
import { BLOBS_PREFIX, digestOfKey, PROBES_PREFIX } from "../../store/layout.ts";
import type { Entry, Store } from "../../store/types.ts";
import { hasEnded } from "../follow/outcome.ts";
import { eachOf } from "../../store/each.ts";
import { campaignIds, requireCampaign } from "../record/record.ts";
import { scheduledSpecs } from "../schedules/scheduled-specs.ts";
import { ReachableSet } from "./reachable-set.ts";

export interface PruneOptions {
  dryRun: boolean;
  /** Keep everything that was written within this time. */
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
  /** Not needed, but written within the grace period. */
  young: Amount;
  blobs: Amount;
  /** Manifests of checkpoints and references of completed campaigns. */
  checkpoints: Amount;
  /** Half-written files, unfinished uploads, probes. */
  leftovers: Amount;
}

export const GRACE_MS = 24 * 60 * 60_000;
/** A writer uses a blob of half this age as it is (store/blobs.ts) and commits soon after. */
export const OPEN_GRACE_MS = 60 * 60_000;

export async function pruneStore(store: Store, options: PruneOptions): Promise<Pruned> {
  if (!(options.graceMs >= 0))
    throw new RatchetError("usage_invalid", `${options.graceMs} ms is no grace period`);
  const { backend } = store;
  const sweep = new Sweep(options);
  const { pruned } = sweep;
  // List first, then mark: a blob that is written later is not in the list, and the blobs of a manifest that
  // is committed later are young.
  const blobs: Entry[] = [];
  for await (const entry of backend.entries(BLOBS_PREFIX)) blobs.push(entry);
  const records: CampaignRecord[] = [];
  for (const id of await campaignIds(store)) records.push((await requireCampaign(store, id)).record);
  refuseShortGrace(records, options);
  const reachable = new ReachableSet(store);
  for (const { campaignId: id, status } of records) {
    pruned.campaigns += 1;
    const completed = status === "completed";
    await reachable.campaign(id, { checkpoints: !completed });
    if (completed)
      for await (const entry of backend.entries(workPrefix(id)))
        await sweep.remove(pruned.checkpoints, entry, () => backend.delete(entry.key));
  }
  for await (const { spec } of scheduledSpecs(store)) await reachable.spec(spec);
  await eachOf(blobs, async (entry) => {
    const digest = digestOfKey(entry.key);
    // Nothing of Ratchet has such a name, so nobody knows whether it may go.
    if (digest === undefined) return;
    if (reachable.digests.has(digest)) return count(pruned.kept, entry);
    // A writer may have written it again since it was listed.
    const now = sweep.keeps(entry) || options.dryRun ? entry : await backend.stat(entry.key);
    if (now) await sweep.remove(pruned.blobs, now, () => backend.delete(entry.key));
  });
  for await (const entry of backend.entries(PROBES_PREFIX))
    await sweep.remove(pruned.leftovers, entry, () => backend.delete(entry.key));
  for await (const leftover of backend.leftovers())
    await sweep.remove(pruned.leftovers, leftover, () => leftover.remove());
  return pruned;
}

/** An open campaign may be about to name a blob that it has just written, or found. */
function refuseShortGrace(records: readonly CampaignRecord[], { dryRun, graceMs }: PruneOptions): void {
  const open = records.find((record) => !hasEnded(record));
  if (!open || dryRun || graceMs >= OPEN_GRACE_MS) return;
  throw new RatchetError(
    "campaign_open",
    `${open.campaignId} is ${open.status}, and a grace of ${Math.round(graceMs / 1000)} s is below 1 h`,
    { hint: "use --grace 1h or more, or wait until the campaign has ended" },
  );
}

/** Deletes old objects and counts all. */
class Sweep {
  readonly pruned: Pruned;
  private readonly before: number;

  constructor({ dryRun, graceMs }: PruneOptions) {
    this.before = Date.now() - graceMs;
    const nothing = (): Amount => ({ count: 0, sizeBytes: 0 });
    this.pruned = {
      dryRun,
      campaigns: 0,
      kept: nothing(),
      young: nothing(),
      blobs: nothing(),
      checkpoints: nothing(),
      leftovers: nothing(),
    };
  }

  keeps({ modifiedMs }: Entry): boolean {
    return modifiedMs > this.before;
  }

  async remove(amount: Amount, entry: Entry, remove: () => Promise<void>): Promise<void> {
    if (this.keeps(entry)) return count(this.pruned.young, entry);
    if (!this.pruned.dryRun) await remove();
    count(amount, entry);
  }
}

function count(amount: Amount, { sizeBytes }: Entry): void {
  amount.count += 1;
  amount.sizeBytes += sizeBytes;
}
