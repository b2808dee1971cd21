// `verify`: hashes everything that a campaign stands on again and follows every reference. The ledger's chain, the spec and what it
// names, every manifest of results and checkpoints, every blob they name, and unless told otherwise the store's other blobs too: one
// that is damaged would be adopted by the next campaign that makes the same bytes. Finds all damage instead of stopping at the first.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { workPrefix, resultsPrefix } from "../../campaign/ids.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest, LedgerEvent, LedgerRow, Manifest, PieceRef, Tree } from "../../campaign/types.ts";
import { readErasure } from "../../store/erased.ts";
import { BLOBS_PREFIX, ERASED_PREFIX, erasedKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { isCurrent } from "../record/work.ts";

export interface VerifyProblem {
  code: string;
  /** Key of the object, or digest of the blob. */
  what: string;
  message: string;
  /** Which record names it. */
  namedBy?: string;
}

export interface Verification {
  campaignId: string;
  checked: { rows: number; manifests: number; blobs: number; sizeBytes: number };
  /** Digests of blobs that were erased on purpose: no damage. */
  erased: Digest[];
  problems: VerifyProblem[];
}

export interface VerifyOptions {
  /** Leave out blobs that this campaign does not name: in a large shared store they are most of the work. */
  campaignOnly?: boolean;
  /** Told the number of blobs hashed so far. */
  onProgress?: (blobs: number) => void;
}

export async function verifyCampaign(
  store: Store,
  campaignId: string,
  { campaignOnly = false, onProgress = () => undefined }: VerifyOptions = {},
): Promise<Verification> {
  const verifier = new Verifier(store, campaignId, onProgress);
  try {
    return await verifier.run(campaignOnly);
  } finally {
    await verifier.clean();
  }
}

/** Larger blobs are hashed from disk, in a stream. */
const IN_MEMORY_BYTES = 64 * 1024 ** 2;

class Verifier {
  private readonly store: Store;
  private readonly campaignId: string;
  private readonly onProgress: (blobs: number) => void;
  private readonly problems: VerifyProblem[] = [];
  private readonly erased: Digest[] = [];
  private readonly seen = new Map<Digest, Promise<Uint8Array | undefined>>();
  private readonly results = new Set<Digest>();
  private manifests = 0;
  private sizeBytes = 0;
  private scratch: Promise<string> | undefined;

  constructor(store: Store, campaignId: string, onProgress: (blobs: number) => void) {
    this.store = store;
    this.campaignId = campaignId;
    this.onProgress = onProgress;
  }

  async run(campaignOnly: boolean): Promise<Verification> {
    const rows = await this.ledger();
    await this.spec(rows);
    const repairs = repairsOf(rows);
    for await (const key of this.store.backend.list(resultsPrefix(this.campaignId)))
      if (isCurrent(key, repairs)) await this.manifest(key);
    for await (const key of this.store.backend.list(workPrefix(this.campaignId)))
      if (isCurrent(key, repairs)) await this.manifest(key);
    for (const row of rows) await this.decision(row);
    if (!campaignOnly) for await (const key of this.store.backend.list(BLOBS_PREFIX)) await this.stray(key);
    for await (const key of this.store.backend.list(ERASED_PREFIX))
      await this.erasure(key.slice(ERASED_PREFIX.length, -".json".length));
    const checked = {
      rows: rows.length,
      manifests: this.manifests,
      blobs: this.seen.size,
      sizeBytes: this.sizeBytes,
    };
    return { campaignId: this.campaignId, checked, erased: this.erased, problems: this.problems };
  }

  async clean(): Promise<void> {
    if (this.scratch) await rm(await this.scratch, { recursive: true, force: true });
  }

  /** The store checks the chain of digests while it reads. */
  private async ledger(): Promise<LedgerRow[]> {
    try {
      return (await this.store.ledger(this.campaignId).read<LedgerEvent>()) as LedgerRow[];
    } catch (error) {
      this.report(error, `campaigns/${this.campaignId}/ledger/`);
      return [];
    }
  }

  private async spec([first]: LedgerRow[]): Promise<void> {
    if (first?.event.type !== "created") return;
    const by = "the ledger's first row";
    const spec = await this.json<CompiledSpec>(first.event.specDigest, by);
    if (!spec) return;
    for (const digest of specTrees(spec)) await this.tree(digest, "the spec");
    for (const digest of specBlobs(spec)) await this.blob(digest, "the spec");
  }

  private async manifest(key: string): Promise<void> {
    this.manifests += 1;
    try {
      const found = await this.store.readManifest<Manifest<Named>>(key);
      if (!found) return;
      this.results.add(found.digest);
      await this.blob(found.digest, key);
      await this.named(found.manifest.result, key);
    } catch (error) {
      this.report(error, key);
    }
  }

  private async named(
    { stage, policy, tree, curve, rows, pairs, pieces = [] }: Named,
    key: string,
  ): Promise<void> {
    for (const digest of [tree, isTrained(stage) ? policy : undefined])
      if (digest) await this.tree(digest, key);
    for (const digest of [curve, rows, pairs, ...pieces.map((piece) => piece.rows)])
      if (digest) await this.blob(digest, key);
  }

  /** Everything that a decision names must be there: checkpoints, and results that some manifest committed. */
  private async decision({ n, event }: LedgerRow): Promise<void> {
    const by = `row ${n} of the ledger`;
    const stages = "stages" in event ? Object.values(event.stages) : [];
    for (const digest of stages.filter((digest) => !this.results.has(digest))) {
      this.problems.push({
        code: "artifact_missing",
        what: digest,
        message: `no manifest of the campaign has the result ${digest}`,
        namedBy: by,
      });
    }
    const trees =
      event.type === "bootstrap-finished"
        ? [event.bootstrap.policy, event.bootstrap.rewardModel]
        : event.type === "completed"
          ? [event.latest, event.promoted]
          : "policy" in event
            ? [event.policy]
            : [];
    for (const digest of trees) if (digest) await this.tree(digest, by);
  }

  /** The record of an erasure is read like any other; erased bytes that somebody has put again are a finding. */
  private async erasure(digest: Digest): Promise<void> {
    try {
      await readErasure(this.store.backend, digest);
    } catch (error) {
      this.report(error, erasedKey(digest));
    }
    if (!(await this.store.hasBlob(digest))) return;
    this.problems.push({
      code: "erased_present",
      what: digest,
      message: `blob ${digest} was erased and is there again; erase it again`,
      namedBy: erasedKey(digest),
    });
  }

  /** A blob that nothing of this campaign names. */
  private async stray(key: string): Promise<void> {
    const digest = key.slice(key.lastIndexOf("/") + 1);
    if (!this.seen.has(digest))
      await this.blob(
        digest,
        "nothing of this campaign",
        (await this.store.backend.stat(key))?.sizeBytes ?? 0,
      );
  }

  private async tree(digest: Digest, by: string): Promise<void> {
    const tree = await this.json<Tree>(digest, by);
    for (const { path, digest: file, sizeBytes } of tree?.files ?? [])
      await this.blob(file, `${path} of ${digest.slice(0, 12)}`, sizeBytes);
  }

  private async json<T>(digest: Digest, by: string): Promise<T | undefined> {
    const bytes = await this.blob(digest, by);
    return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as T) : undefined;
  }

  /** Hashed once however often it is named; undefined where it is damaged, or too large to keep in memory. */
  private blob(digest: Digest, by: string, sizeBytes = 0): Promise<Uint8Array | undefined> {
    const known = this.seen.get(digest);
    if (known) return known;
    const reading = this.hash(digest, sizeBytes).catch(async (error: unknown) => {
      if ((error as { code?: string }).code === "artifact_erased") await this.remainder(digest);
      else this.report(error, digest, by);
      return undefined;
    });
    this.seen.set(digest, reading);
    this.onProgress(this.seen.size);
    return reading;
  }

  /** What an erasure left is looked at like anything else. */
  private async remainder(digest: Digest): Promise<void> {
    this.erased.push(digest);
    const redacted = (await readErasure(this.store.backend, digest))?.redacted;
    if (redacted) await this.blob(redacted, `the erasure of ${digest.slice(0, 12)}`);
  }

  private async hash(digest: Digest, sizeBytes: number): Promise<Uint8Array | undefined> {
    if (sizeBytes <= IN_MEMORY_BYTES) {
      const bytes = await this.store.getBlob(digest);
      this.sizeBytes += bytes.byteLength;
      return bytes;
    }
    this.scratch ??= mkdtemp(join(tmpdir(), "ratchet-verify-"));
    const path = join(await this.scratch, digest);
    await this.store.getBlobFile(digest, path);
    await rm(path);
    this.sizeBytes += sizeBytes;
    return undefined;
  }

  /** Damage is a finding; a store that does not answer is an error. */
  private report(error: unknown, what: string, namedBy?: string): void {
    const { kind, code, message } = error as { kind?: string; code?: string; message: string };
    const unreadable = error instanceof SyntaxError;
    if (kind !== "artifact" && !unreadable) throw error;
    this.problems.push({ code: code ?? "artifact_corrupt", what, message, ...(namedBy ? { namedBy } : {}) });
  }
}

/** Checkpoints that the author gave. */
export function specTrees({ policy, score }: CompiledSpec): Digest[] {
  return [
    policy.tree,
    ...(score.by === "preference-model" && score.model !== undefined ? [score.model] : []),
  ];
}

/** What a compiled spec names, besides its policy's tree. */
export function specBlobs({ prompts, bootstrap, modules }: CompiledSpec): Digest[] {
  const { preferences } = bootstrap;
  const lists = [
    prompts.iterations,
    prompts.validation,
    prompts.test,
    prompts.preferences,
    bootstrap.sft?.data,
    preferences && "data" in preferences ? preferences.data : undefined,
  ];
  return [
    ...lists.map((list) => list?.rows),
    ...Object.values(modules).map((module) => module?.digest),
  ].filter((digest) => digest !== undefined);
}

export const isTrained = (stage: string | undefined): boolean =>
  stage === "sft" || stage === "reward" || stage === "train";

/** Members of any manifest's result that name blobs or trees. */
export interface Named {
  stage?: string;
  /** Tree where the stage trained it, else only the digest of what it used. */
  policy?: Digest;
  /** Of a training checkpoint. */
  tree?: Digest;
  curve?: Digest;
  rows?: Digest;
  pairs?: Digest;
  pieces?: PieceRef[];
}
