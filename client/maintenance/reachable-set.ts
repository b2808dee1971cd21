// Everything that a campaign needs: its manifests and every blob that its ledger and manifests name, directly
// or through documents. prune, copy and erase rely on it, so it errs on the side of keeping: it counts every
// digest, also one of an unknown member.
import { namesIn, typeOf } from "../../campaign/names.ts";
import type { Name } from "../../campaign/names.ts";
import { labelsPrefix, referencesPrefix, resultsPrefix, workPrefix } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest } from "../../campaign/types.ts";
import { readErasure } from "../../store/erased.ts";
import type { Erasure } from "../../store/erased.ts";
import { ERASED_PREFIX, erasedDigest } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../../store/each.ts";
import { readRows } from "../record/rows.ts";
import { currentManifests } from "../record/work.ts";
import { documentOf, isTree, readSmallBlob } from "../../start/documents.ts";

export class ReachableSet {
  /** Also digests that are no blobs, such as those of settings. */
  readonly digests = new Set<Digest>();
  /** The files of trees. */
  readonly files = new Set<Digest>();
  /** Records of erased blobs that are named. */
  readonly erasures: Erasure[] = [];
  /** Keys of manifests that no repair has set aside. */
  readonly manifests: string[] = [];
  /** Keys of labels. They name no blob, and nothing names them: whoever copies a campaign copies them too. */
  readonly labels: string[] = [];
  private readonly store: Store;
  private readonly unread: Digest[] = [];

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * Throws ledger_broken or artifact_corrupt if a record cannot be read, because nobody knows then which
   * blobs it names.
   */
  async campaign(campaignId: string, { checkpoints = true } = {}): Promise<void> {
    const { rows } = await readRows(this.store, campaignId);
    for (const { event } of rows) this.add(namesIn(event, "ledger"));
    const repairs = repairsOf(rows);
    const prefixes = checkpoints
      ? [resultsPrefix(campaignId), workPrefix(campaignId)]
      : [resultsPrefix(campaignId)];
    for (const prefix of prefixes)
      await eachOf(await currentManifests(this.store, prefix, repairs), (key) =>
        this.manifest(key, campaignId),
      );
    for await (const key of this.store.backend.list(labelsPrefix(campaignId)))
      if (key.endsWith(".json")) this.labels.push(key);
    await this.follow();
  }

  /** Of a campaign that a schedule will start. */
  async spec(digest: Digest): Promise<void> {
    this.digests.add(digest);
    this.unread.push(digest);
    await this.follow();
  }

  private async follow(): Promise<void> {
    for (let digest = this.unread.pop(); digest; digest = this.unread.pop()) await this.document(digest);
    for await (const key of this.store.backend.list(ERASED_PREFIX)) {
      const digest = erasedDigest(key);
      if (digest !== undefined) await this.erased(digest);
    }
  }

  private async manifest(key: string, campaignId: string): Promise<void> {
    const found = await this.store
      .readManifest<{ schema: string; result: unknown }>(key)
      .catch((error: unknown) => this.skipReference(key, campaignId, error));
    if (!found) return;
    this.manifests.push(key);
    this.digests.add(found.digest);
    this.add(namesIn(found.manifest.result, typeOf(found.manifest)));
  }

  /** Skips a damaged reference: other records name everything that it names. */
  private skipReference(key: string, campaignId: string, error: unknown): undefined {
    if (!key.startsWith(referencesPrefix(campaignId)) || (error as { kind?: string }).kind !== "artifact")
      throw error;
    return undefined;
  }

  private async erased(digest: Digest): Promise<void> {
    const erasure = this.digests.has(digest) ? await readErasure(this.store.backend, digest) : undefined;
    if (!erasure) return;
    this.erasures.push(erasure);
    if (erasure.redacted) this.digests.add(erasure.redacted);
  }

  private add(names: readonly Name[]): void {
    for (const { digest, kind } of names) {
      if (this.digests.has(digest)) continue;
      this.digests.add(digest);
      if (kind !== "blob") this.unread.push(digest);
    }
  }

  private async document(digest: Digest): Promise<void> {
    const bytes = await readSmallBlob(this.store, digest);
    const document = bytes && documentOf(bytes);
    const names = namesIn(document);
    this.add(names);
    if (isTree(document)) for (const file of names) this.files.add(file.digest);
  }
}
