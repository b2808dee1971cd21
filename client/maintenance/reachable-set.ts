// Everything that a campaign stands on: its ledger, its manifests, and every digest that is reached from them through JSON documents
// (spec, results, trees). Digests are followed wherever they stand, under whatever name: what a later version adds to a result is
// reached without being told, and whoever deletes by this list errs on the side of keeping.
import { referencesPrefix, resultsPrefix, workPrefix } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest, LedgerEvent } from "../../campaign/types.ts";
import { readErasure } from "../../store/erased.ts";
import type { Erasure } from "../../store/erased.ts";
import { blobKey, ERASED_PREFIX } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../record/each.ts";
import { isCurrent } from "../record/work.ts";

const DIGEST = /^[0-9a-f]{64}$/;
/** Members that never name a document: rows and files are large, and name nothing. */
const LEAVES = new Set(["rows", "weights", "curve"]);
/** No document is larger. */
const DOCUMENT_BYTES_MAX = 64 * 1024 ** 2;

export class ReachableSet {
  /** Digests that are named, among them some that are no blobs, such as those of settings. */
  readonly digests = new Set<Digest>();
  /** Those that are files of trees. */
  readonly files = new Set<Digest>();
  /** Of blobs that are named and were erased. */
  readonly erasures: Erasure[] = [];
  /** Keys of manifests that count. */
  readonly manifests: string[] = [];
  private readonly store: Store;
  private readonly unread: Digest[] = [];

  constructor(store: Store) {
    this.store = store;
  }

  /** Throws ledger_broken or artifact_corrupt where a record cannot be read: what it names would be taken for garbage. */
  async campaign(campaignId: string, { checkpoints = true } = {}): Promise<void> {
    const rows = await this.store.ledger(campaignId).read<LedgerEvent>();
    this.walk(
      rows.map(({ event }) => event),
      "",
    );
    const repairs = repairsOf(rows);
    const keys: string[] = [];
    for await (const key of this.store.backend.list(resultsPrefix(campaignId)))
      if (isCurrent(key, repairs)) keys.push(key);
    if (checkpoints)
      for await (const key of this.store.backend.list(workPrefix(campaignId)))
        if (key.endsWith(".json")) keys.push(key);
    await eachOf(keys, async (key) => {
      const found = await this.store
        .readManifest(key)
        .catch((error: unknown) => this.passedOver(key, campaignId, error));
      if (!found) return;
      this.manifests.push(key);
      this.digests.add(found.digest);
      this.walk(found.manifest.result, "");
    });
    for (let digest = this.unread.pop(); digest; digest = this.unread.pop()) await this.document(digest);
    for await (const key of this.store.backend.list(ERASED_PREFIX))
      await this.erased(key.slice(ERASED_PREFIX.length, -".json".length));
  }

  /** What was kept of a reference names nothing that nothing else names: damage to it stands in nobody's way. */
  private passedOver(key: string, campaignId: string, error: unknown): undefined {
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

  private walk(value: unknown, name: string): void {
    if (typeof value === "string") {
      if (!DIGEST.test(value) || this.digests.has(value)) return;
      this.digests.add(value);
      if (!LEAVES.has(name)) this.unread.push(value);
    } else if (Array.isArray(value)) {
      for (const item of value) this.walk(item, name);
    } else if (value !== null && typeof value === "object") {
      if ((value as { schema?: unknown }).schema === "ratchet.tree/1") {
        for (const { digest } of (value as { files: { digest: Digest }[] }).files) {
          this.digests.add(digest);
          this.files.add(digest);
        }
        return;
      }
      for (const [member, item] of Object.entries(value)) this.walk(item, member);
    }
  }

  private async document(digest: Digest): Promise<void> {
    const found = await this.store.backend.stat(blobKey(digest));
    if (found && found.sizeBytes <= DOCUMENT_BYTES_MAX)
      this.walk(parsed(await this.store.getBlob(digest)), "");
  }
}

/** Undefined for what is no JSON document: modules, JSON Lines. */
function parsed(bytes: Uint8Array): unknown {
  if (bytes[0] !== 0x7b /* { */) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
