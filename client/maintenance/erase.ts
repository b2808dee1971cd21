// `erase`: removes all rows of a prompt from a store. Each blob that holds the prompt, an answer to it or a
// pair made of it is replaced by a copy without those rows, under the copy's own digest. The blob is deleted;
// a record of the erasure keeps its digest, and each campaign that named it gets a row in its ledger. Trained
// weights cannot be erased by rows. (docs/store.md, "Erasing")
import { RatchetError } from "../../errors/index.ts";
import { canonicalJson, sha256 } from "../../store/index.ts";
import type { Entry, Store } from "../../store/types.ts";
import { recordErasure } from "../../store/erased.ts";
import { BLOBS_PREFIX, blobKey, digestOfKey } from "../../store/layout.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { referencesPrefix } from "../../campaign/ids.ts";
import { namesIn } from "../../campaign/names.ts";
import { promptContent } from "../../campaign/recipe/rows.ts";
import type { Digest, LedgerEvent } from "../../campaign/types.ts";
import { eachOf } from "../../store/each.ts";
import { hasEnded } from "../follow/outcome.ts";
import { campaignIds, requireCampaign } from "../record/record.ts";
import { scheduledSpecs } from "../schedules/scheduled-specs.ts";
import { eraseNotes } from "./erased-notes.ts";
import { ReachableSet } from "./reachable-set.ts";
import { objectsOf, withoutPrompt } from "./erased-rows.ts";

export interface EraseOptions {
  by: string;
  why: string;
  /** The same id is recorded once. */
  requestId: string;
  dryRun: boolean;
}

export interface Erased {
  dryRun: boolean;
  /** Campaigns that named an erased blob. */
  campaigns: string[];
  /** Erased blobs, and rows of the prompt in them. */
  blobs: number;
  rows: number;
}

/** Larger blobs that no campaign names are not searched: they are weights of deleted checkpoints. */
const STRAY_BYTES_MAX = 256 * 1024 ** 2;

export async function erasePrompt(store: Store, promptId: string, options: EraseOptions): Promise<Erased> {
  const { by, why, requestId, dryRun } = options;
  const holders = await holdersOf(store, promptId);
  if (holders.contents.size === 0)
    throw new RatchetError(
      "prompt_unknown",
      `no campaign of ${store.name} has the prompt ${JSON.stringify(promptId)}`,
      { hint: "ids are those of the prompt rows: ratchet samples <campaign> --json" },
    );
  const found = await rowsOfPrompt(store, promptId, holders);
  const holding = holdingCampaigns(holders, found);
  const erased: Erased = {
    dryRun,
    campaigns: holding.map(({ campaignId }) => campaignId),
    blobs: found.length,
    rows: found.reduce((sum, { rows }) => sum + rows, 0),
  };
  if (dryRun) return erased;
  for (const { campaignId, reachable, epoch, blobs } of holding) {
    const event: LedgerEvent = { type: "erased", prompt: sha256(promptId), blobs, by, why };
    await store.ledger(campaignId).append({ id: `erased:${requestId}`, epoch, event, by });
    await dropReferences(store, campaignId, reachable, blobs);
    await eraseNotes(store, campaignId, promptId, holders.contents);
  }
  // Lists of prompts go last: an erasure that was interrupted finds the prompt in them again.
  const isList = ({ digest }: Found): number => Number(holders.lists.has(digest));
  for (const blob of found.sort((a, b) => isList(a) - isList(b))) await replace(store, blob, options);
  return erased;
}

/** Stores the other rows as a blob of their own, then the record of the erasure, then deletes the blob. */
async function replace(
  store: Store,
  { digest, named, rest }: Found,
  { by, why }: EraseOptions,
): Promise<void> {
  if (named) {
    const redacted = rest.length === 0 ? undefined : await store.putBlob(rest);
    const at = new Date().toISOString();
    await recordErasure(store.backend, { schema: "ratchet.erased/1", digest, redacted, at, by, why });
  }
  await store.backend.delete(blobKey(digest));
}

/** Deletes log-probabilities of erased answers: they hold no text, and are useless without it. */
async function dropReferences(
  { backend, readManifest }: Store,
  campaignId: string,
  { manifests }: ReachableSet,
  blobs: readonly Digest[],
): Promise<void> {
  for (const key of manifests.filter((manifest) => manifest.startsWith(referencesPrefix(campaignId)))) {
    const found = await readManifest(key);
    if (!found || !namesIn(found.manifest.result, "logps").some(({ digest }) => blobs.includes(digest)))
      continue;
    // A campaign that has the same result has the same rows, and loses its manifest here too.
    await backend.delete(key);
    await backend.delete(blobKey(found.digest));
  }
}

interface Holder {
  reachable: ReachableSet;
  epoch: number;
  open: boolean;
}

interface Holders {
  /** All campaigns of the store. */
  campaigns: Map<string, Holder>;
  /** The prompt's text as canonical JSON: rows without ids are recognized by it. */
  contents: Set<string>;
  /** Blobs of prompts. */
  lists: Set<Digest>;
}

async function holdersOf(store: Store, promptId: string): Promise<Holders> {
  const holders: Holders = { campaigns: new Map(), contents: new Set(), lists: new Set() };
  for (const id of await campaignIds(store)) {
    const { record } = await requireCampaign(store, id);
    const reachable = new ReachableSet(store);
    await reachable.campaign(id);
    holders.campaigns.set(id, { reachable, epoch: record.epoch, open: !hasEnded(record) });
    for (const { specDigest } of record.specs) await findPrompt(store, promptId, specDigest, holders);
  }
  // A schedule would write the text again, like an open campaign.
  for await (const { schedule, spec } of scheduledSpecs(store)) {
    const reachable = new ReachableSet(store);
    await reachable.spec(spec);
    holders.campaigns.set(`the schedule ${schedule} (${spec})`, { reachable, epoch: 0, open: true });
    await findPrompt(store, promptId, spec, holders);
  }
  return holders;
}

async function findPrompt(store: Store, promptId: string, spec: Digest, holders: Holders): Promise<void> {
  for (const list of promptLists(await store.getJson<CompiledSpec>(spec))) {
    holders.lists.add(list);
    for (const row of objectsOf(await store.getRemainder(list)))
      if (row["id"] === promptId) holders.contents.add(canonicalJson(promptContent(row)));
  }
}

const promptLists = (spec: CompiledSpec): Digest[] =>
  namesIn(spec)
    .filter(({ path }) => path.startsWith("prompts."))
    .map(({ digest }) => digest);

/** Campaigns that name a blob with rows of the prompt. Throws campaign_open if one of them has not ended. */
function holdingCampaigns(
  { campaigns }: Holders,
  found: readonly Found[],
): (Holder & { campaignId: string; blobs: Digest[] })[] {
  const holding = [...campaigns]
    .map(([campaignId, holder]) => ({
      campaignId,
      ...holder,
      blobs: found.map(({ digest }) => digest).filter((digest) => holder.reachable.digests.has(digest)),
    }))
    .filter(({ blobs }) => blobs.length > 0);
  const running = holding.find(({ open }) => open);
  if (running)
    throw new RatchetError("campaign_open", `${running.campaignId} has the prompt and has not ended`, {
      hint: "cancel it, delete a schedule, or wait for the end: until then it would write the text again",
    });
  return holding;
}

interface Found {
  digest: Digest;
  /** Some campaign names it. */
  named: boolean;
  /** Rows of the prompt in it. */
  rows: number;
  /** The other rows, unchanged. */
  rest: Uint8Array;
}

async function rowsOfPrompt(
  store: Store,
  promptId: string,
  { campaigns, contents }: Holders,
): Promise<Found[]> {
  const found: Found[] = [];
  const reachables = [...campaigns.values()].map(({ reachable }) => reachable);
  const entries: Entry[] = [];
  for await (const entry of store.backend.entries(BLOBS_PREFIX)) entries.push(entry);
  await eachOf(entries, async ({ key, sizeBytes }) => {
    const digest = digestOfKey(key);
    if (digest === undefined) return;
    const named = reachables.some(({ digests }) => digests.has(digest));
    if (reachables.some(({ files }) => files.has(digest)) || (!named && sizeBytes > STRAY_BYTES_MAX)) return;
    const split = withoutPrompt(await store.getBlob(digest), promptId, contents);
    if (split.rows > 0) found.push({ digest, named, ...split });
  });
  return found;
}
