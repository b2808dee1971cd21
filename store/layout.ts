// Keys of the store, apart from those of manifests (campaign/ids.ts). docs/store.md describes them.
import type { Digest } from "./types.ts";

export const FORMAT_KEY = "ratchet.json";
export const FORMAT = 1;

/** Objects of probes. Nothing reads those that a killed probe left. */
export const PROBES_PREFIX = "probes/";

export const ERASED_PREFIX = "erased/";
export const erasedKey = (digest: Digest): string => `${ERASED_PREFIX}${digest}.json`;
export const BLOBS_PREFIX = "blobs/sha256/";
export const blobKey = (digest: Digest): string => `${BLOBS_PREFIX}${digest.slice(0, 2)}/${digest}`;
/** Names of specs that schedules will start campaigns with. */
export const SCHEDULES_PREFIX = "schedules/";
export const scheduledSpecsPrefix = (schedule: string): string => `${SCHEDULES_PREFIX}${schedule}/`;
export const scheduledSpecKey = (schedule: string, spec: Digest): string =>
  `${scheduledSpecsPrefix(schedule)}${spec}.json`;
/** The inverse; undefined for another file. */
export function scheduledSpecOf(key: string): { schedule: string; spec: Digest } | undefined {
  const [, schedule = "", spec = ""] = /^schedules\/([^/]+)\/([0-9a-f]{64})\.json$/.exec(key) ?? [];
  return spec === "" ? undefined : { schedule, spec };
}
/** A folder for each campaign. */
export const CAMPAIGNS_PREFIX = "campaigns/";
export const ledgerPrefix = (campaignId: string): string => `campaigns/${campaignId}/ledger/`;
export const ledgerKey = (campaignId: string, n: number): string =>
  `${ledgerPrefix(campaignId)}${String(n).padStart(12, "0")}.json`;

/**
 * Whether an object may have this key. True for the key of a blob, a ledger row, a manifest, an erasure or a
 * scheduled spec, where a folder would be out of place.
 */
export const isObjectKey = (key: string): boolean =>
  digestOfKey(key) !== undefined || /^((campaigns|schedules)\/[^/]+\/.*|erased\/[^/]+)\.json$/.test(key);

/** The digest in the key of a blob; undefined if no blob can have that key. */
export function digestOfKey(key: string): Digest | undefined {
  const digest = key.slice(key.lastIndexOf("/") + 1);
  return /^[0-9a-f]{64}$/.test(digest) && blobKey(digest) === key ? digest : undefined;
}

/** The digest of the erased blob in the key of its record; undefined for another file. */
export const erasedDigest = (key: string): Digest | undefined =>
  /^erased\/(?<digest>[0-9a-f]{64})\.json$/.exec(key)?.groups?.["digest"];
