// The head of a ledger, signed by a key that does not lie in the store.
import type { Digest } from "../../campaign/types.ts";
import { RatchetError } from "../../errors/index.ts";
import { sha256 } from "../../store/index.ts";
import { ledgerKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../../store/each.ts";
import { readRows } from "../record/rows.ts";
import { checkpointOf, checkpointText, parseCheckpoint } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { invalid, openNote, signNote, signerOf } from "./note.ts";

export interface Head {
  campaignId: string;
  /** The last row. */
  row: number;
  /** SHA-256 of its bytes. */
  head: Digest;
}

export interface SignedHead extends Head {
  at: string;
  /** Name of the key. */
  by: string;
  /** What `verify` reads. */
  note: string;
}

/** Throws ledger_broken unless the whole ledger is sound. */
export async function readHead(store: Store, campaignId: string): Promise<Head> {
  const { rows, digests } = await readRows(store, campaignId);
  return { campaignId, row: rows.length - 1, head: digests.at(-1)! };
}

export async function signHead(
  store: Store,
  campaignId: string,
  secret: string,
  at = new Date(),
): Promise<SignedHead> {
  const by = signerOf(secret);
  const { digests } = await readRows(store, campaignId);
  const rows: Uint8Array[] = [];
  await eachOf(digests.entries(), async ([n, digest]) => {
    const bytes = await store.backend.get(ledgerKey(campaignId, n));
    if (!bytes || sha256(bytes) !== digest)
      throw new RatchetError(
        "ledger_broken",
        `row ${n} of the ledger of ${campaignId} changed while it was read`,
      );
    rows[n] = bytes;
  });
  const checkpoint = checkpointOf(campaignId, rows, digests, at);
  const note = signNote(checkpointText(checkpoint), secret);
  return { campaignId, row: checkpoint.size - 1, head: checkpoint.head, at: checkpoint.at, by, note };
}

export interface OpenedHead {
  checkpoint: Checkpoint;
  by: string;
}

/** Throws head_invalid unless the key signed a head of this campaign. */
export function openHead(note: string, publicKey: string, campaignId: string): OpenedHead {
  const { text, by } = openNote(note, publicKey);
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.campaignId !== campaignId)
    throw invalid(`is of the campaign ${checkpoint.campaignId}, not of ${campaignId}`);
  return { checkpoint, by };
}
