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
export const ledgerPrefix = (campaignId: string): string => `campaigns/${campaignId}/ledger/`;
export const ledgerKey = (campaignId: string, n: number): string =>
  `${ledgerPrefix(campaignId)}${String(n).padStart(12, "0")}.json`;
