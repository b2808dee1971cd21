// The cache of Hugging Face's own tools, read and written in its layout, so that a file is downloaded once
// for all of them:
//
//   models--org--name/refs/main                      the commit of a branch or tag
//   models--org--name/trees/<commit>.json            the files of a commit (huggingface_hub 2)
//   models--org--name/snapshots/<commit>/config.json a link to
//   models--org--name/blobs/<digest>                 the bytes; SHA-256 of a file in LFS, else git's id
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, readlink, rename, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { HubFile, RepoName } from "./types.ts";

const FORMAT = 1;

interface TreeEntry {
  size: number;
  blob_id: string;
  lfs_sha256?: string;
  lfs_size?: number;
}

export class RepoCache {
  readonly dir: string;

  constructor(cacheDir: string, { type, name }: RepoName) {
    this.dir = join(cacheDir, [`${type}s`, ...name.split("/")].join("--"));
  }

  snapshot(commit: string, path = ""): string {
    return join(this.dir, "snapshots", commit, ...path.split("/"));
  }

  blob({ sha256, oid }: HubFile): string {
    return join(this.dir, "blobs", sha256 ?? oid);
  }

  async commitOf(revision: string): Promise<string | undefined> {
    const text = await readFile(join(this.dir, "refs", ...revision.split("/")), "utf8").catch(() => "");
    return /^[0-9a-f]{40}$/.exec(text.trim())?.[0];
  }

  noteCommit(revision: string, commit: string): Promise<void> {
    return replace(join(this.dir, "refs", ...revision.split("/")), commit);
  }

  /** The files of a commit, if the cache has their list. */
  async files(commit: string): Promise<HubFile[] | undefined> {
    const text = await readFile(join(this.dir, "trees", `${commit}.json`), "utf8").catch(() => "{}");
    const { format_version: format, files } = parsed(text);
    if (format !== FORMAT || !files) return undefined;
    return Object.entries(files).map(([path, { size, blob_id: oid, lfs_sha256: sha256 }]) =>
      sha256 === undefined ? { path, size, oid } : { path, size, oid, sha256 },
    );
  }

  noteFiles(commit: string, files: readonly HubFile[]): Promise<void> {
    const entries = files.map(({ path, size, oid, sha256 }): [string, TreeEntry] => [
      path,
      { size, blob_id: oid, ...(sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: size }) },
    ]);
    const tree = { format_version: FORMAT, files: Object.fromEntries(entries) };
    return replace(join(this.dir, "trees", `${commit}.json`), JSON.stringify(tree));
  }

  /** What an older cache holds of a commit: it may be a part. Digests are the names of the links' targets. */
  async present(commit: string): Promise<HubFile[]> {
    const root = this.snapshot(commit);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files: HubFile[] = [];
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile()) continue;
      const digest = basename(await readlink(path).catch(() => ""));
      const sha256 = /^[0-9a-f]{64}$/.test(digest) ? { sha256: digest } : {};
      const oid = /^[0-9a-f]{40}$/.test(digest) ? digest : "";
      files.push({ path: relative(root, path).split("\\").join("/"), size: found.size, oid, ...sha256 });
    }
    return files;
  }

  /** A relative link, so that the cache can be moved. In place of anything else at its path. */
  async link(commit: string, file: HubFile): Promise<void> {
    const path = this.snapshot(commit, file.path);
    const target = relative(dirname(path), this.blob(file));
    await mkdir(dirname(path), { recursive: true });
    if ((await readlink(path).catch(() => undefined)) === target) return;
    const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
    await symlink(target, temporary);
    await rename(temporary, path);
  }
}

function parsed(text: string): { format_version?: number; files?: Record<string, TreeEntry> } {
  try {
    return JSON.parse(text) as { format_version?: number };
  } catch {
    return {};
  }
}

/** Whole or not at all, because others read it. */
async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}
