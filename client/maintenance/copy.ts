// `copy`: copies a campaign to another store. First it copies all that the campaign reaches. If the campaign
// has not completed, the last row of the old ledger then says where it moved: from then on no run can write
// here. Only after that does the new store get the ledger. An interrupted copy resumes when the same command
// runs again. (docs/store.md, "Copying")
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import type { CampaignRecord, Digest, LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { recordErasure } from "../../store/erased.ts";
import { blobKey, ledgerKey, PROBES_PREFIX } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../../store/each.ts";
import { ReachableSet } from "./reachable-set.ts";
import { requireCampaign } from "../record/record.ts";
import { verifyCampaign } from "./verify.ts";

interface CopyOptions {
  by: string;
  why: string;
}

export interface Copied {
  campaignId: string;
  to: string;
  rows: number;
  manifests: number;
  labels: number;
  /** Blobs that the other store did not have. */
  blobs: number;
  sizeBytes: number;
  /** The campaign has not completed. Only the new store can resume it. */
  moved: boolean;
}

export async function copyCampaign(
  from: Store,
  to: Store,
  campaignId: string,
  options: CopyOptions,
): Promise<Copied> {
  if (from.name === to.name)
    throw new RatchetError("usage_invalid", `${campaignId} is in ${to.name} already`);
  const { record, rows } = await requireCampaign(from, campaignId);
  refuseMoved(record, rows, to);
  const [problem] = (await verifyCampaign(from, campaignId, { campaignOnly: true })).problems;
  if (problem)
    throw new RatchetError("artifact_corrupt", `${campaignId} is damaged: ${problem.message}`, {
      hint: "repair it first: ratchet repair",
    });
  await refuseOther(from, to, campaignId, rows);
  await to.proveWrites();
  await refuseSame(from, to, campaignId);

  const copied: Copied = {
    campaignId,
    to: to.name,
    rows: 0,
    manifests: 0,
    labels: 0,
    blobs: 0,
    sizeBytes: 0,
    moved: record.status !== "completed",
  };
  await copyReached(from, to, campaignId, copied);
  if (copied.moved) {
    const event: LedgerEvent = { type: "moved", to: to.name, ...options };
    await from.ledger(campaignId).takeOver({ id: `moved:${to.name}`, event, by: options.by });
    // Again, for what was made meanwhile. From now on nothing is added.
    await copyReached(from, to, campaignId, copied);
  }
  copied.rows = await copyLedger(from, to, campaignId);
  return copied;
}

function refuseMoved({ campaignId, status }: CampaignRecord, rows: LedgerRow[], to: Store): void {
  const moved = rows.find(({ event }) => event.type === "moved")?.event;
  if (status === "moved" && moved?.type === "moved" && moved.to !== to.name) {
    throw new RatchetError("campaign_moved", `${campaignId} was moved to ${moved.to}`, {
      hint: `copy it from there: --store ${moved.to}`,
    });
  }
}

/**
 * Two names may be of one store: a link, a bind mount, another endpoint. Then what is written under one
 * name is read under the other.
 */
async function refuseSame(from: Store, to: Store, campaignId: string): Promise<void> {
  const key = `${PROBES_PREFIX}${randomUUID()}.json`;
  await to.backend.putIfAbsent(key, new TextEncoder().encode(JSON.stringify({ copy: campaignId })));
  const seen = await from.backend.get(key).finally(() => to.backend.delete(key).catch(() => undefined));
  if (seen)
    throw new RatchetError("usage_invalid", `${to.name} is the store ${from.name} under another name`, {
      hint: `${campaignId} is there already; name another store`,
    });
}

/** A ledger in the other store must be the beginning of this one. */
async function refuseOther(from: Store, to: Store, campaignId: string, rows: LedgerRow[]): Promise<void> {
  const there = await to.ledger(campaignId).read<LedgerEvent>();
  const last = there.length - 1;
  if (last < 0) return;
  const [mine, theirs] = await Promise.all([
    from.backend.get(ledgerKey(campaignId, last)),
    to.backend.get(ledgerKey(campaignId, last)),
  ]);
  if (last < rows.length && mine && theirs && Buffer.compare(mine, theirs) === 0) return;
  throw new RatchetError(
    "campaign_differs",
    `${to.name} has a campaign ${campaignId} that is another one or was continued there`,
    { hint: "look at it: ratchet history --ledger" },
  );
}

async function copyReached(from: Store, to: Store, campaignId: string, copied: Copied): Promise<void> {
  const reachable = new ReachableSet(from);
  await reachable.campaign(campaignId);
  const scratch = await mkdtemp(join(tmpdir(), "ratchet-copy-"));
  try {
    await eachOf(reachable.digests, (digest) => copyBlob(from, to, digest, join(scratch, digest), copied), 4);
    for (const erasure of reachable.erasures) await recordErasure(to.backend, erasure);
    copied.manifests += await copyObjects(from, to, reachable.manifests);
    copied.labels += await copyObjects(from, to, reachable.labels);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Copies the bytes as they are. Returns the number of objects that the other store did not have. */
async function copyObjects(from: Store, to: Store, keys: readonly string[]): Promise<number> {
  let copied = 0;
  await eachOf(keys, async (key) => {
    const bytes = await from.backend.get(key);
    if (bytes && (await to.backend.putIfAbsent(key, bytes)) === "created") copied += 1;
  });
  return copied;
}

/** `getBlobFile` checks the digest. */
async function copyBlob(from: Store, to: Store, digest: Digest, path: string, copied: Copied): Promise<void> {
  const [mine, theirs] = await Promise.all([
    from.backend.stat(blobKey(digest)),
    to.backend.stat(blobKey(digest)),
  ]);
  if (!mine || theirs?.sizeBytes === mine.sizeBytes) return;
  await from.getBlobFile(digest, path);
  await to.putBlobFile(path);
  await rm(path);
  copied.blobs += 1;
  copied.sizeBytes += mine.sizeBytes;
}

/** Rows byte by byte, in order, up to the one that closed the ledger here. */
async function copyLedger(from: Store, to: Store, campaignId: string): Promise<number> {
  const rows = await from.ledger(campaignId).read<LedgerEvent>();
  const end = rows.findIndex(({ event }) => event.type === "moved");
  const count = end < 0 ? rows.length : end;
  for (let n = 0; n < count; n += 1) {
    const bytes = await from.backend.get(ledgerKey(campaignId, n));
    if (bytes) await to.backend.putIfAbsent(ledgerKey(campaignId, n), bytes);
  }
  return count;
}
