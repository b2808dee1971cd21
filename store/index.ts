// The store: blobs, manifests and ledgers on one of the backends. Imports errors only; could be published
// alone.
import { resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { memoryBackend } from "./backends/memory.ts";
import { dirBackend } from "./backends/dir.ts";
import { Blobs } from "./blobs.ts";
import { canonicalJson } from "./canonical.ts";
import { exactBytes, parseExact } from "./exact-json.ts";
import { FORMAT, FORMAT_KEY } from "./layout.ts";
import { campaignIds, openLedger } from "./ledger.ts";
import { commitManifest, readManifest } from "./manifests.ts";
import { whilePresent } from "./presence.ts";
import { probeStore } from "./probe.ts";
import type { Backend, Ledger, Store } from "./types.ts";

export { canonicalDigest, canonicalJson, sha256 } from "./canonical.ts";
export { openCache } from "./cache.ts";
export type { Cache } from "./cache.ts";
export { probeStore } from "./probe.ts";
export type * from "./types.ts";

interface OpenOptions {
  /**
   * Make the store if it does not exist. False for readers: a mistyped name is then an error, not a new
   * store.
   */
  create?: boolean;
}

/**
 * `dir:/path`, `s3://bucket/prefix` or `memory:`. Throws store_name_invalid, store_absent,
 * store_format_newer.
 */
export async function openStore(name: string, options: OpenOptions = {}): Promise<Store> {
  return storeOn(await backendOf(name), options);
}

export async function backendOf(name: string): Promise<Backend> {
  if (name === "memory:") return memoryBackend();
  if (name.startsWith("dir:")) return dirBackend(resolve(name.slice("dir:".length)));
  if (name.startsWith("s3:")) {
    // Loaded here, because a directory needs no AWS SDK.
    const { parseS3Name, s3Backend } = await import("./backends/s3.ts");
    const location = parseS3Name(name);
    if (location) return s3Backend(location);
  }
  throw new RatchetError("store_name_invalid", `${JSON.stringify(name)} names no store`, {
    hint: "dir:/path or s3://bucket/prefix",
  });
}

/** What compiling needs of a store, for digests alone: nothing is kept, so a model needs no memory. */
export function digestsOnly(): Pick<Store, "putBlob" | "putJson" | "putTree"> {
  const blobs = new Blobs({ ...memoryBackend(), put: async () => {}, putFile: async () => {} });
  return {
    putBlob: (bytes) => blobs.put(bytes),
    putJson: (value) => blobs.put(canonicalJson(value)),
    putTree: (dir) => blobs.putTree(dir),
  };
}

/** Racing creates of the probe at start: enough to find a store that ignores the condition, and cheap. */
const RACERS = 4;

export async function storeOn(given: Backend, { create = true }: OpenOptions = {}): Promise<Store> {
  await requireFormat(given, create);
  const backend = whilePresent(given);
  const ledgers = new Map<string, Ledger>();
  let proved: Promise<void> | undefined;
  const blobs = new Blobs(backend);
  const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  return {
    name: backend.name,
    backend,
    putBlob: (bytes) => blobs.put(bytes),
    putBlobFile: (path) => blobs.putFile(path),
    getBlob: (digest) => blobs.get(digest),
    getBlobFile: (digest, path) => blobs.getFile(digest, path),
    getRemainder: (digest) => blobs.getRemainder(digest),
    hasBlob: (digest) => blobs.has(digest),
    putJson: (value) => blobs.put(canonicalJson(value)),
    getJson: async <T>(digest: string) => decode(await blobs.get(digest)) as T,
    putTree: (dir) => blobs.putTree(dir),
    getTree: (digest, dir) => blobs.getTree(digest, dir),
    readManifest: (key) => readManifest(backend, key),
    commitManifest: (key, manifest, names = []) => commitManifest(backend, blobs, key, manifest, names),
    ledger(campaignId) {
      const ledger = ledgers.get(campaignId) ?? openLedger(backend, campaignId);
      ledgers.set(campaignId, ledger);
      return ledger;
    },
    campaigns: () => campaignIds(backend),
    proveWrites() {
      proved ??= probeStore(backend, RACERS).catch((error: unknown) => {
        proved = undefined;
        throw error;
      });
      return proved;
    },
  };
}

async function requireFormat(backend: Backend, create: boolean): Promise<void> {
  if (await hasFormat(backend)) return;
  if (!create)
    throw new RatchetError("store_absent", `there is no store at ${backend.name}`, {
      hint:
        "check the name, mount it again, or move it back; `dev`, `run` and `start` make a new store, " +
        "unless .ratchet/dev.json names it: delete that file to begin a new one",
    });
  await backend.putIfAbsent(FORMAT_KEY, exactBytes({ format: FORMAT }));
}

/**
 * Whether there is a store. Throws store_format_newer for a newer format, artifact_corrupt for a damaged
 * `ratchet.json`.
 */
export async function hasFormat(backend: Backend): Promise<boolean> {
  const bytes = await backend.get(FORMAT_KEY);
  if (!bytes) return false;
  const format = formatOf(bytes);
  if (format === undefined)
    throw new RatchetError("artifact_corrupt", `${FORMAT_KEY} of ${backend.name} does not say its format`);
  if (format > FORMAT)
    throw new RatchetError(
      "store_format_newer",
      `${backend.name} has format ${format}, this version reads up to ${FORMAT}`,
      { hint: "use a newer ratchet" },
    );
  return true;
}

function formatOf(bytes: Uint8Array): number | undefined {
  try {
    const { format } = parseExact(bytes);
    return Number.isSafeInteger(format) && (format as number) >= 1 ? (format as number) : undefined;
  } catch {
    return undefined; // the caller's error names the store
  }
}
