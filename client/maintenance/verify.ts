// `verify`: hashes everything that a campaign needs and follows every reference: the chain of the ledger, the
// spec, every manifest of results and checkpoints, and all blobs that these name. By default it also hashes
// the other blobs of the store, because another campaign that makes the same bytes would adopt a damaged one.
// It reports all damage, not only the first. The decisions must agree with the results that they name.
import { RatchetError } from "../../errors/index.ts";
import { workPrefix, resultsPrefix } from "../../campaign/ids.ts";
import { namesIn, typeOf } from "../../campaign/names.ts";
import type { Name } from "../../campaign/names.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest, LedgerRow, Manifest } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { openHead } from "../head/sign.ts";
import { currentManifests } from "../record/work.ts";
import { BlobChecker } from "./blob-checker.ts";
import type { VerifyProblem } from "./blob-checker.ts";
import { checkLabels } from "./check-labels.ts";
import { checkLedger } from "./check-ledger.ts";
import type { Anchor, KnownHead } from "./check-ledger.ts";
import { disagreements, isDeciding } from "./decisions.ts";
import type { DecidingResult } from "./decisions.ts";
import { checkErasures, checkStrays } from "./stray-objects.ts";

export type { Anchor, VerifyProblem };

export interface Verification {
  campaignId: string;
  /**
   * SHA-256 of the last row's bytes, which covers the whole ledger. Undefined if the ledger cannot be read.
   */
  head?: Digest;
  /** The last row that something outside the store vouches for; absent without any. */
  anchor?: Anchor;
  checked: { rows: number; manifests: number; labels: number; blobs: number; sizeBytes: number };
  /** Digests of erased blobs: no damage. */
  erased: Digest[];
  problems: VerifyProblem[];
}

export interface VerifyOptions {
  /** Skip blobs that this campaign does not name: in a large shared store they are most of the work. */
  campaignOnly?: boolean;
  /** A head that an earlier `verify` printed: the ledger must still hold that row, and so all before it. */
  head?: Digest;
  /** A file that `head --sign` wrote, and the public key of its signer. */
  signed?: { note: string; key: string };
  /** Called with the number of blobs hashed so far. */
  onProgress?: (blobs: number) => void;
}

export async function verifyCampaign(
  store: Store,
  campaignId: string,
  { campaignOnly = false, head, signed, onProgress = () => undefined }: VerifyOptions = {},
): Promise<Verification> {
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
    throw new RatchetError("usage_invalid", `${JSON.stringify(head)} is no head of a ledger`, {
      hint: "give the 64 hex digits that `ratchet verify` printed as head",
    });
  const opened = signed && openHead(signed.note, signed.key, campaignId);
  const blobs = new BlobChecker(store, onProgress);
  try {
    return await new Verifier(store, campaignId, blobs).run(campaignOnly, { head, opened });
  } finally {
    await blobs.clean();
  }
}

/** Reads the records of one campaign, and has each blob that they name checked. */
class Verifier {
  private readonly store: Store;
  private readonly campaignId: string;
  private readonly blobs: BlobChecker;
  /** Results that a manifest of the campaign has. */
  private readonly results = new Set<Digest>();
  /** Those of them that a decision must agree with. */
  private readonly deciding = new Map<Digest, DecidingResult>();
  private manifests = 0;

  constructor(store: Store, campaignId: string, blobs: BlobChecker) {
    this.store = store;
    this.campaignId = campaignId;
    this.blobs = blobs;
  }

  async run(campaignOnly: boolean, known: KnownHead): Promise<Verification> {
    const { rows, head, anchor } = await checkLedger(this.store, this.campaignId, known, this.blobs);
    await this.spec(rows);
    await this.allManifests(rows);
    const labels = await checkLabels(this.store, this.campaignId, repairsOf(rows), this.blobs);
    for (const row of rows) await this.decision(row);
    this.blobs.problems.push(...(await disagreements(this.store, this.campaignId, rows, this.deciding)));
    if (!campaignOnly) await checkStrays(this.store, this.blobs);
    await checkErasures(this.store, this.blobs);
    const { count, sizeBytes, erased, problems } = this.blobs;
    const checked = { rows: rows.length, manifests: this.manifests, labels, blobs: count, sizeBytes };
    return { campaignId: this.campaignId, head, anchor, checked, erased, problems };
  }

  /** Read first, so that a problem with the author's files names the spec, not a stage that used them. */
  private async spec([first]: LedgerRow[]): Promise<void> {
    if (first?.event.type === "created")
      await this.blobs.blob(first.event.specDigest, "the ledger's first row", { record: "the spec" });
  }

  /**
   * Blobs that a manifest only uses are checked after all manifests, so that a problem names the maker's
   * manifest.
   */
  private async allManifests(rows: LedgerRow[]): Promise<void> {
    const repairs = repairsOf(rows);
    const inputs: { name: Name; by: string }[] = [];
    for (const prefix of [resultsPrefix(this.campaignId), workPrefix(this.campaignId)])
      for (const key of await currentManifests(this.store, prefix, repairs))
        for (const name of await this.manifest(key)) {
          if (name.maker === "other") inputs.push({ name, by: key });
          else await this.blobs.named(name, key);
        }
    for (const { name, by } of inputs) await this.blobs.named(name, by);
  }

  private async manifest(key: string): Promise<Name[]> {
    this.manifests += 1;
    try {
      const found = await this.store.readManifest<Manifest>(key);
      if (!found) return [];
      this.results.add(found.digest);
      if (isDeciding(found.manifest.result)) this.deciding.set(found.digest, found.manifest.result);
      await this.blobs.blob(found.digest, key, { leaf: true });
      return namesIn(found.manifest.result, typeOf(found.manifest));
    } catch (error) {
      this.blobs.report(error, key);
      return [];
    }
  }

  /** All that a decision names must exist. A result must also have a manifest. */
  private async decision({ n, event }: LedgerRow): Promise<void> {
    const namedBy = `row ${n} of the ledger`;
    for (const name of namesIn(event, "ledger")) {
      const { digest, kind } = name;
      if (kind !== "result" || this.results.has(digest)) {
        await this.blobs.named(name, namedBy);
        continue;
      }
      const message = `no manifest of the campaign has the result ${digest}`;
      this.blobs.problems.push({ code: "artifact_missing", what: digest, message, namedBy });
      // Several members may name it; one problem is enough.
      this.results.add(digest);
    }
  }
}
