// `erase`: takes a person's rows out of a store. Every blob of rows that holds the prompt, an answer to it or a pair made of it is
// replaced by a copy without those rows, under the copy's own digest; the blob goes, its digest stays with a record of the erasure, and
// each campaign that named it gets a row in its ledger. Model weights cannot be erased by rows. (docs/store.md, "Erasing")
import { RatchetError } from "../../errors/index.ts";
import { canonicalJson, sha256 } from "../../store/index.ts";
import type { Entry, Store } from "../../store/types.ts";
import { recordErasure } from "../../store/erased.ts";
import { BLOBS_PREFIX, blobKey } from "../../store/layout.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { referencesPrefix } from "../../campaign/ids.ts";
import { promptContent } from "../../campaign/recipe/rows.ts";
import type { Digest, LedgerEvent } from "../../campaign/types.ts";
import { eachOf } from "../record/each.ts";
import { hasEnded } from "../follow/outcome.ts";
import { campaignIds, readSpec, requireCampaign } from "../record/record.ts";
import { ReachableSet } from "./reachable-set.ts";

export interface EraseOptions {
  by: string;
  why: string;
  /** The same id is recorded once. */
  requestId: string;
  dryRun: boolean;
}

export interface Erased {
  dryRun: boolean;
  /** Campaigns that named what was erased. */
  campaigns: string[];
  /** Blobs that went, and the rows of the prompt in them. */
  blobs: number;
  rows: number;
}

/** Blobs that nothing names are looked into up to this size: above it they are weights of checkpoints that were dropped. */
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
  const erased: Erased = {
    dryRun,
    campaigns: [],
    blobs: found.length,
    rows: found.reduce((sum, { rows }) => sum + rows, 0),
  };
  const concerned = [...holders.campaigns]
    .map(([campaignId, holder]) => ({
      campaignId,
      ...holder,
      blobs: found.map(({ digest }) => digest).filter((digest) => holder.reachable.digests.has(digest)),
    }))
    .filter(({ blobs }) => blobs.length > 0);
  const going = concerned.find(({ open }) => open);
  if (going)
    throw new RatchetError("campaign_open", `${going.campaignId} has the prompt and has not ended`, {
      hint: "cancel it, or wait for its end: what it makes now would hold the text again",
    });
  for (const { campaignId, reachable, epoch, blobs } of concerned) {
    erased.campaigns.push(campaignId);
    if (dryRun) continue;
    const event: LedgerEvent = { type: "erased", prompt: sha256(promptId), blobs, by, why };
    await store.ledger(campaignId).append({ id: `erased:${requestId}`, epoch, event, by });
    await dropReferences(store, campaignId, reachable, blobs);
  }
  if (dryRun) return erased;
  // Lists of prompts go last: an erasure that is interrupted is found again by them.
  for (const { digest, named, rest } of found.sort(
    (a, b) => Number(holders.lists.has(a.digest)) - Number(holders.lists.has(b.digest)),
  )) {
    if (named) {
      const redacted = rest === "" ? {} : { redacted: await store.putBlob(rest) };
      await recordErasure(store.backend, {
        schema: "ratchet.erased/1",
        digest,
        ...redacted,
        at: new Date().toISOString(),
        by,
        why,
      });
    }
    await store.backend.delete(blobKey(digest));
  }
  return erased;
}

/** Log-probabilities of answers that go: they hold no text, and are of use to nobody without it. */
async function dropReferences(
  { backend, readManifest }: Store,
  campaignId: string,
  { manifests }: ReachableSet,
  blobs: readonly Digest[],
): Promise<void> {
  for (const key of manifests.filter((manifest) => manifest.startsWith(referencesPrefix(campaignId)))) {
    const found = await readManifest<{ result: { rows: Digest } }>(key);
    if (!found || !blobs.includes(found.manifest.result.rows)) continue;
    // Whichever campaign holds the same result holds the same rows: it loses its own here too.
    await backend.delete(key);
    await backend.delete(blobKey(found.digest));
  }
}

interface Holders {
  campaigns: Map<string, { reachable: ReachableSet; epoch: number; open: boolean }>;
  /** What the prompt says, as canonical JSON: rows without ids are known by it. */
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
    for (const list of promptLists(await readSpec(store, record))) {
      holders.lists.add(list);
      for (const { row } of linesOf(new TextDecoder().decode(await store.getRemainder(list))))
        if (row?.["id"] === promptId) holders.contents.add(canonicalJson(promptContent(row)));
    }
  }
  return holders;
}

const promptLists = ({ prompts }: CompiledSpec): Digest[] =>
  [prompts.iterations, prompts.validation, prompts.test, prompts.preferences].flatMap((list) =>
    list ? [list.rows] : [],
  );

interface Found {
  digest: Digest;
  /** Some campaign names it. */
  named: boolean;
  /** Rows of the prompt in it. */
  rows: number;
  /** The other rows, as they stand. */
  rest: string;
}

async function rowsOfPrompt(
  store: Store,
  promptId: string,
  { campaigns, contents }: Holders,
): Promise<Found[]> {
  const found: Found[] = [];
  const reaches = [...campaigns.values()].map(({ reachable }) => reachable);
  const entries: Entry[] = [];
  for await (const entry of store.backend.entries(BLOBS_PREFIX)) entries.push(entry);
  await eachOf(entries, async ({ key, sizeBytes }) => {
    const digest = key.slice(key.lastIndexOf("/") + 1);
    const named = reaches.some(({ digests }) => digests.has(digest));
    if (reaches.some(({ files }) => files.has(digest)) || (!named && sizeBytes > STRAY_BYTES_MAX)) return;
    const bytes = await store.getBlob(digest);
    if (bytes[0] !== 0x7b /* { */) return;
    const lines = linesOf(new TextDecoder().decode(bytes));
    const rest = lines.filter(({ row }) => !isOf(row, promptId, contents));
    if (rest.length < lines.length)
      found.push({
        digest,
        named,
        rows: lines.length - rest.length,
        rest: rest.map(({ line }) => `${line}\n`).join(""),
      });
  });
  return found;
}

type RowLike = Record<string, unknown>;

function isOf(row: RowLike | undefined, promptId: string, contents: Set<string>): boolean {
  if (!row) return false;
  if ([row["promptId"], row["prompt_id"], row["id"]].includes(promptId)) return true;
  const content = row["prompt"] ?? row["messages"];
  return content !== undefined && contents.has(canonicalJson(content));
}

/** `row`: undefined for what is no JSON object. */
function linesOf(text: string): { line: string; row: RowLike | undefined }[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({ line, row: parsed(line) }));
}

function parsed(line: string): RowLike | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === "object" ? (value as RowLike) : undefined;
  } catch {
    return undefined;
  }
}
