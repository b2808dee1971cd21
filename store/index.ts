// The store: blobs, manifests and ledgers on one of the backends. Imports nothing of ours; could be published alone.
import { resolve } from "node:path";
import { memoryBackend } from "./backends/memory.ts";
import { dirBackend } from "./backends/dir.ts";
import { Blobs } from "./blobs.ts";
import { canonicalJson } from "./canonical.ts";
import { ArtifactError } from "./errors.ts";
import { FORMAT, FORMAT_KEY } from "./layout.ts";
import { campaignIds, openLedger } from "./ledger.ts";
import { commitManifest, readManifest } from "./manifests.ts";
import type { Backend, Store } from "./types.ts";

export { canonicalDigest, canonicalJson, sha256 } from "./canonical.ts";
export { openCache } from "./cache.ts";
export type { Cache } from "./cache.ts";
export { ArtifactError, LeaseLost, ResourceError } from "./errors.ts";
export type * from "./types.ts";

/** `dir:/path`, `s3://bucket/prefix` or `memory:`. Throws store_name_invalid, store_format_newer. */
export async function openStore(name: string): Promise<Store> {
  return storeOn(await backendOf(name));
}

async function backendOf(name: string): Promise<Backend> {
  if (name === "memory:") return memoryBackend();
  if (name.startsWith("dir:")) return dirBackend(resolve(name.slice("dir:".length)));
  throw new ArtifactError("store_name_invalid", `${JSON.stringify(name)} names no store`, { hint: "dir:/path or s3://bucket/prefix" });
}

export async function storeOn(backend: Backend): Promise<Store> {
  await checkFormat(backend);
  const blobs = new Blobs(backend);
  const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  return {
    name: backend.name,
    backend,
    putBlob: (bytes) => blobs.put(bytes),
    putBlobFile: (path) => blobs.putFile(path),
    getBlob: (digest) => blobs.get(digest),
    getBlobFile: (digest, path) => blobs.getFile(digest, path),
    hasBlob: (digest) => blobs.has(digest),
    putJson: (value) => blobs.put(canonicalJson(value)),
    getJson: async <T>(digest: string) => decode(await blobs.get(digest)) as T,
    putTree: (dir) => blobs.putTree(dir),
    getTree: (digest, dir) => blobs.getTree(digest, dir),
    readManifest: (key) => readManifest(backend, key),
    commitManifest: (key, manifest) => commitManifest(backend, blobs, key, manifest),
    ledger: (campaignId) => openLedger(backend, campaignId),
    campaigns: () => campaignIds(backend),
  };
}

/** Written with the first opening; unknown fields are kept, a newer format is refused. */
async function checkFormat(backend: Backend): Promise<void> {
  const bytes = await backend.get(FORMAT_KEY);
  if (!bytes) {
    await backend.putIfAbsent(FORMAT_KEY, new TextEncoder().encode(`${JSON.stringify({ format: FORMAT })}\n`));
    return;
  }
  const format = formatOf(bytes);
  if (format === undefined) throw new ArtifactError("artifact_corrupt", `${FORMAT_KEY} of ${backend.name} does not say its format`);
  if (format > FORMAT) throw new ArtifactError("store_format_newer", `${backend.name} has format ${format}, this version reads up to ${FORMAT}`, { hint: "use a newer ratchet" });
}

function formatOf(bytes: Uint8Array): number | undefined {
  try {
    const { format } = JSON.parse(new TextDecoder().decode(bytes)) as { format?: unknown };
    return typeof format === "number" ? format : undefined;
  } catch {
    return undefined; // said by the caller, with the store's name
  }
}
