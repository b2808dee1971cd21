// Hashes the blobs of a store for `verify`, each once, follows documents to the blobs that they name, and
// collects all problems.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { namesIn } from "../../campaign/names.ts";
import type { Name } from "../../campaign/names.ts";
import type { Digest } from "../../campaign/types.ts";
import { readErasure } from "../../store/erased.ts";
import { blobKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { documentOf, isRows, isTree } from "../../start/documents.ts";

export interface VerifyProblem {
  code: string;
  /** Key of the object, or digest of the blob. */
  what: string;
  message: string;
  /** The record that names it. */
  namedBy?: string;
}

/** Larger blobs are hashed from disk, in a stream. */
const IN_MEMORY_BYTES = 64 * 1024 ** 2;

interface Mention {
  /** It names nothing, so it is not read as a document. */
  leaf?: boolean;
  /** 0: unknown, but not large. */
  sizeBytes?: number;
  /** How a problem calls the document that names the lost blob. */
  record?: string;
}

export class BlobChecker {
  readonly problems: VerifyProblem[] = [];
  /** Digests of erased blobs that are named. */
  readonly erased: Digest[] = [];
  sizeBytes = 0;
  private readonly seen = new Set<Digest>();
  private readonly store: Store;
  private readonly onProgress: (blobs: number) => void;
  private scratch: Promise<string> | undefined;

  constructor(store: Store, onProgress: (blobs: number) => void) {
    this.store = store;
    this.onProgress = onProgress;
  }

  get count(): number {
    return this.seen.size;
  }

  async clean(): Promise<void> {
    if (this.scratch) await rm(await this.scratch, { recursive: true, force: true });
  }

  /** Checks what a record names; `by`: the record. */
  async named({ digest, kind, maker }: Name, by: string): Promise<void> {
    if (maker === "nobody" || this.seen.has(digest)) return;
    // An unknown member may name a file of any length.
    const sizeBytes = maker === "unknown" ? await this.sizeOf(digest) : 0;
    await this.blob(digest, by, { leaf: kind === "blob", sizeBytes });
  }

  /** Only the first call for a digest hashes. */
  async blob(
    digest: Digest,
    by: string,
    { leaf = false, sizeBytes = 0, record = digest.slice(0, 12) }: Mention = {},
  ): Promise<void> {
    if (this.seen.has(digest)) return;
    this.seen.add(digest);
    const bytes = await this.hash(digest, sizeBytes).catch(async (error: unknown) => {
      if ((error as { code?: string }).code === "artifact_erased") await this.remainder(digest);
      else this.report(error, digest, by);
      return undefined;
    });
    this.onProgress(this.count);
    if (!leaf && bytes && !isRows(bytes)) await this.document(documentOf(bytes), record);
  }

  /** A blob that no record of the campaign names. */
  async stray(digest: Digest): Promise<void> {
    if (!this.seen.has(digest))
      await this.blob(digest, "nothing of this campaign", {
        leaf: true,
        sizeBytes: await this.sizeOf(digest),
      });
  }

  /** Damage is a problem. Anything else, such as a store that does not answer, is thrown. */
  report(error: unknown, what: string, namedBy?: string): void {
    const { kind, code, message } = error as { kind?: string; code?: string; message: string };
    if (kind !== "artifact") throw error;
    this.problems.push({ code: code ?? "artifact_corrupt", what, message, namedBy });
  }

  private async document(document: object | undefined, record: string): Promise<void> {
    if (isTree(document))
      for (const { path, digest, sizeBytes } of document.files)
        await this.blob(digest, `${path} of ${record}`, { leaf: true, sizeBytes });
    else for (const name of namesIn(document)) await this.named(name, record);
  }

  /** Hashes what an erasure left of a blob. */
  private async remainder(digest: Digest): Promise<void> {
    this.erased.push(digest);
    const redacted = (await readErasure(this.store.backend, digest))?.redacted;
    if (redacted) await this.blob(redacted, `the erasure of ${digest.slice(0, 12)}`, { leaf: true });
  }

  /** Undefined for a blob that is too large to be kept in memory. */
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

  private async sizeOf(digest: Digest): Promise<number> {
    return (await this.store.backend.stat(blobKey(digest)))?.sizeBytes ?? 0;
  }
}
