// Blobs and trees: content-addressed, written once per content, verified on every read.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { again } from "./again.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import { readErasure } from "./erased.ts";
import { fileDigest } from "./file-digest.ts";
import { blobKey } from "./layout.ts";
import type { Backend, Digest } from "./types.ts";

interface TreeFile {
  path: string;
  digest: Digest;
  sizeBytes: number;
}

export interface Tree {
  schema: "ratchet.tree/1";
  files: TreeFile[];
}

/** Half of the shortest grace of `prune` beside an open campaign: a younger blob stays until it is named. */
const YOUNG_MS = 30 * 60_000;
/**
 * Of a larger blob the size decides: it appeared whole, and to read it would cost as much as to write it.
 * Damage in place is found by its reader and by `verify`.
 */
const LOOK_BYTES_MAX = 256 * 1024 ** 2;

export class Blobs {
  private readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /**
   * Leaves a sound young blob as it is. Writes an old one again, which tells `prune` that somebody wants it.
   */
  async put(bytes: Uint8Array | string): Promise<Digest> {
    const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const digest = sha256(data);
    if (!(await this.isWanted(digest))) await this.backend.put(blobKey(digest), data);
    return digest;
  }

  async putFile(path: string): Promise<{ digest: Digest; sizeBytes: number }> {
    const [digest, { size: sizeBytes }] = await Promise.all([fileDigest(path), stat(path)]);
    const present = await (sizeBytes <= LOOK_BYTES_MAX
      ? this.isWanted(digest)
      : this.isYoung(digest, sizeBytes));
    if (!present) await this.backend.putFile(blobKey(digest), path);
    return { digest, sizeBytes };
  }

  get(digest: Digest): Promise<Uint8Array> {
    return again(async () => {
      const bytes = await this.backend.get(blobKey(digest));
      if (!bytes) throw await this.absence(digest);
      const found = sha256(bytes);
      if (found !== digest) throw corrupt(digest, found, this.backend);
      return bytes;
    });
  }

  async getRemainder(digest: Digest): Promise<Uint8Array> {
    const erasure = (await this.has(digest)) ? undefined : await readErasure(this.backend, digest);
    if (!erasure) return this.get(digest);
    return erasure.redacted ? this.get(erasure.redacted) : new Uint8Array();
  }

  getFile(digest: Digest, path: string): Promise<void> {
    return again(() => this.fetch(digest, path));
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.backend.stat(blobKey(digest))) !== undefined;
  }

  /** Files sorted by path, so equal folders have equal digests. */
  async putTree(dir: string): Promise<Digest> {
    const paths: string[] = [];
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // Links are followed: model caches are folders of links.
      if ((await stat(path)).isFile()) paths.push(relative(dir, path).split(sep).join("/"));
    }
    const files: TreeFile[] = [];
    for (const path of paths.sort()) files.push({ path, ...(await this.putFile(join(dir, path))) });
    return this.put(canonicalJson({ schema: "ratchet.tree/1", files } satisfies Tree));
  }

  async getTree(digest: Digest, dir: string): Promise<void> {
    const tree = JSON.parse(new TextDecoder().decode(await this.get(digest))) as Tree;
    await mkdir(dir, { recursive: true });
    for (const file of tree.files) {
      const path = join(dir, ...file.path.split("/"));
      if (relative(dir, path).startsWith(".."))
        throw new RatchetError(
          "artifact_corrupt",
          `tree ${digest} names the path ${JSON.stringify(file.path)}, outside of its folder`,
        );
      await this.getFile(file.digest, path);
    }
  }

  private async fetch(digest: Digest, path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.tmp-${randomBytes(6).toString("hex")}`;
    try {
      const found = await this.backend.getFile(blobKey(digest), temporary);
      if (found === undefined) throw await this.absence(digest);
      if (found !== digest) throw corrupt(digest, found, this.backend);
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** The error for a blob that does not exist: erased on purpose, or lost. */
  private async absence(digest: Digest): Promise<RatchetError> {
    const erasure = await readErasure(this.backend, digest);
    if (!erasure) return missing(digest, this.backend);
    const { at, by, why } = erasure;
    return new RatchetError(
      "artifact_erased",
      `blob ${digest} in ${this.backend.name} was erased on ${at.slice(0, 10)} by ${by}: ${why}`,
      { hint: "results that were made from it stay; nothing new can be made from it" },
    );
  }

  private async isYoung(digest: Digest, sizeBytes?: number): Promise<boolean> {
    const found = await this.backend.stat(blobKey(digest));
    if (!found || Date.now() - found.modifiedMs > YOUNG_MS) return false;
    return sizeBytes === undefined || found.sizeBytes === sizeBytes;
  }

  /** Whether the blob exists, is young, and has the right bytes. A damaged one is written again. */
  private async isWanted(digest: Digest): Promise<boolean> {
    if (!(await this.isYoung(digest))) return false;
    const stored = this.backend.digest(blobKey(digest)).catch(ifNoFile);
    return (await stored) === digest;
  }
}

/** What is no file is written again, which replaces it if nothing can be lost, or names it. */
function ifNoFile(error: unknown): undefined {
  if (!(error instanceof RatchetError && error.code === "artifact_corrupt")) throw error;
  return undefined;
}

const VERIFY_HINT = "`ratchet verify` lists all damage, `ratchet repair` makes it again";

const missing = (digest: Digest, { name }: Backend): RatchetError =>
  new RatchetError("artifact_missing", `blob ${digest} is not in ${name}`, {
    hint: `perhaps somebody deleted it; ${VERIFY_HINT}`,
  });

const corrupt = (digest: Digest, found: Digest, { name }: Backend): RatchetError =>
  new RatchetError("artifact_corrupt", `blob ${digest} in ${name} has the digest ${found}`, {
    hint: `its bytes changed after they were written; ${VERIFY_HINT}`,
  });
