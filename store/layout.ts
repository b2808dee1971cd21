// Every key of the store that is not a manifest's (those are made by their campaign): docs/store.md.
import type { Digest } from "./types.ts";

export const FORMAT_KEY = "ratchet.json";
export const FORMAT = 1;

/** Objects of a probe that was killed; nothing reads them. */
export const PROBES_PREFIX = "probes/";

export const ERASED_PREFIX = "erased/";
export const erasedKey = (digest: Digest): string => `${ERASED_PREFIX}${digest}.json`;
export const BLOBS_PREFIX = "blobs/sha256/";
export const blobKey = (digest: Digest): string => `${BLOBS_PREFIX}${digest.slice(0, 2)}/${digest}`;
export const ledgerPrefix = (campaignId: string): string => `campaigns/${campaignId}/ledger/`;
export const ledgerKey = (campaignId: string, n: number): string =>
  `${ledgerPrefix(campaignId)}${String(n).padStart(12, "0")}.json`;
