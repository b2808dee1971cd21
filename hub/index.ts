// Models and data of the Hugging Face hub: a revision becomes a commit, and its files come into the cache.
import { datasetInfo, listFiles, modelInfo } from "@huggingface/hub";
import { RatchetError } from "../errors/index.ts";
import { RepoCache } from "./cache.ts";
import { download } from "./download.ts";
import { isSound } from "./file-check.ts";
import { request } from "./requests.ts";
import type { HubSettings } from "./settings.ts";
import type { HubFile, Listing, RepoName } from "./types.ts";

export { hubSettings } from "./settings.ts";
export type { HubFile, Listing, RepoName } from "./types.ts";

const COMMIT = /^[0-9a-f]{40}$/;
/** No part may lead out of the folder. */
const SAFE = /^(?!.*(?:^|\/)\.{0,2}(?:\/|$))[^\\:\0]+$/;

export class Hub {
  private readonly settings: HubSettings;

  constructor(settings: HubSettings) {
    this.settings = settings;
  }

  /** A commit whose list the cache has needs no network. */
  async resolve(repo: RepoName): Promise<Listing> {
    const cache = new RepoCache(this.settings.cacheDir, repo);
    if (this.settings.offline) return this.cached(cache, repo);
    const known = COMMIT.test(repo.revision) ? await cache.files(repo.revision) : undefined;
    if (known) return listing(cache, repo, repo.revision, known);
    const commit = await this.commitOf(repo);
    if (commit !== repo.revision) await cache.noteCommit(repo.revision, commit);
    const files = (await cache.files(commit)) ?? (await this.listed(repo, commit));
    await cache.noteFiles(commit, files);
    return listing(cache, repo, commit, files);
  }

  /** Brings a file into the cache, checked. Returns where it is. */
  async fetch({ repo, commit }: Listing, file: HubFile): Promise<string> {
    const cache = new RepoCache(this.settings.cacheDir, repo);
    const path = cache.snapshot(commit, file.path);
    if (!(await isSound(path, file))) await this.provide(cache, repo, commit, file);
    return path;
  }

  private async provide(cache: RepoCache, repo: RepoName, commit: string, file: HubFile): Promise<void> {
    const what = `${repo.name}/${file.path}`;
    if (!(await isSound(cache.blob(file), file))) {
      if (this.settings.offline) throw notCached(repo, `of ${what} the cache has no sound copy`);
      const url = `${this.settings.endpoint}/${repo.type === "dataset" ? "datasets/" : ""}${repo.name}`;
      const path = file.path.split("/").map(encodeURIComponent).join("/");
      const from = { settings: this.settings, what, url: `${url}/resolve/${commit}/${path}`, file };
      await download(from, cache.blob(file));
    }
    await cache.link(commit, file);
  }

  private async commitOf(repo: RepoName): Promise<string> {
    const { name, revision, type } = repo;
    const given = {
      name,
      revision,
      ...this.how(`${type} ${name} at ${revision}`),
      additionalFields: ["sha"],
    };
    const { sha } = (await (type === "model"
      ? modelInfo(given as Parameters<typeof modelInfo>[0])
      : datasetInfo(given as Parameters<typeof datasetInfo>[0]))) as { sha?: unknown };
    if (typeof sha === "string" && COMMIT.test(sha)) return sha;
    throw this.strange(`no commit for ${name}`);
  }

  private async listed(repo: RepoName, commit: string): Promise<HubFile[]> {
    const files: HubFile[] = [];
    const how = this.how(`the files of ${repo.type} ${repo.name}`);
    for await (const entry of listFiles({ repo, revision: commit, recursive: true, ...how })) {
      if (entry.type !== "file") continue;
      const { path, size, oid, lfs } = entry;
      if (!SAFE.test(path) || !oid) throw this.strange(`a file ${JSON.stringify(path)} of ${repo.name}`);
      files.push(lfs ? { path, size: lfs.size, oid, sha256: lfs.oid } : { path, size, oid });
    }
    return files;
  }

  /** For calls of @huggingface/hub, which refuses tokens of other hubs: `request` adds the token. */
  private how(what: string): { hubUrl: string; fetch: typeof fetch } {
    const asked: typeof fetch = (url, init) => request(this.settings, what, String(url), init);
    return { hubUrl: this.settings.endpoint, fetch: asked };
  }

  private async cached(cache: RepoCache, repo: RepoName): Promise<Listing> {
    const { revision, name } = repo;
    const commit = COMMIT.test(revision) ? revision : await cache.commitOf(revision);
    if (commit === undefined) throw notCached(repo, `the cache knows no commit of ${name} at ${revision}`);
    // Older tools keep no list. The shards of a model are listed in its index, those of a data set nowhere.
    const files = (await cache.files(commit)) ?? (repo.type === "model" ? await cache.present(commit) : []);
    if (files.length === 0)
      throw notCached(repo, `the cache has no list of the files of ${name} at ${commit}`);
    return listing(cache, repo, commit, files);
  }

  private strange(what: string): RatchetError {
    return new RatchetError(
      "hub_unreachable",
      `${this.settings.endpoint} does not answer as a hub: ${what}`,
      {
        hint: "HF_ENDPOINT must be the address of a hub",
      },
    );
  }
}

const listing = (cache: RepoCache, repo: RepoName, commit: string, files: HubFile[]): Listing => ({
  repo,
  commit,
  folder: cache.snapshot(commit),
  files,
});

const notCached = ({ type, name, revision }: RepoName, why: string): RatchetError =>
  new RatchetError("hub_offline", `HF_HUB_OFFLINE is set, and ${why}`, {
    hint: `with network: ratchet validate, or hf download ${name} --revision ${revision} --repo-type ${type}`,
  });
