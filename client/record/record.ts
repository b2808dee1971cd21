// Reads a campaign from the store, without Temporal: its folded ledger, its compiled spec, and rows by
// digest.
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { isCampaignId, parseAddress } from "../../campaign/ids.ts";
import type { Address } from "../../campaign/ids.ts";
import { rowsOfBlob } from "../../campaign/rows/json-lines.ts";
import { foldLedger } from "../../campaign/rules.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type { CampaignRecord, Digest, LedgerRow, PieceRef, Place } from "../../campaign/types.ts";
import { ledgerKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { followRows, readRows } from "./rows.ts";

export interface ReadCampaign {
  record: CampaignRecord;
  rows: LedgerRow[];
}

/** Undefined if the store has no ledger of that id. */
export async function readCampaign(store: Store, campaignId: string): Promise<ReadCampaign | undefined> {
  const { rows } = await readRows(store, campaignId);
  return rows.length === 0 ? undefined : { record: foldLedger(campaignId, rows), rows };
}

export async function requireCampaign(store: Store, campaignId: string): Promise<ReadCampaign> {
  const found = await readCampaign(store, campaignId);
  if (!found) throw await unknownCampaign(store, campaignId);
  return found;
}

/** The campaign now, for who asks often: reads only rows that are new. It must have been read before. */
export async function followCampaign(store: Store, campaignId: string): Promise<ReadCampaign> {
  const rows = await followRows(store, campaignId);
  return { record: foldLedger(campaignId, rows), rows };
}

/** The newest spec. */
export const readSpec = (store: Store, { specDigest }: CampaignRecord): Promise<CompiledSpec> =>
  store.getJson<CompiledSpec>(specDigest);

/** The spec that holds at a place. */
export const readSpecAt = (store: Store, { specs }: CampaignRecord, place: Place): Promise<CompiledSpec> =>
  store.getJson<CompiledSpec>(specAt(specs, place).specDigest);

/** A full id, or the beginning of exactly one. */
export async function findCampaignId(store: Store, text: string): Promise<string> {
  // Try the full id first, because to list a store is slow. Its first row need only exist: `verify` must find
  // a campaign with a damaged one.
  if (isCampaignId(text) && (await store.backend.stat(ledgerKey(text, 0))) !== undefined) return text;
  const ids = await campaignIds(store);
  const matches = ids.filter((id) => id.startsWith(text));
  const [only] = matches;
  if (matches.length === 1 && only) return only;
  if (matches.length > 1) {
    throw new RatchetError(
      "campaign_ambiguous",
      `${matches.length} campaigns begin with ${JSON.stringify(text)}`,
      { hint: `one of ${matches.slice(0, 5).join(", ")}` },
    );
  }
  throw await unknownCampaign(store, text);
}

/** Parses an address and completes its campaign id. */
export async function findAddress(store: Store, text: string): Promise<Address> {
  const address = parseAddress(text);
  if (!address) {
    throw new RatchetError("address_invalid", `${JSON.stringify(text)} is no address`, {
      hint: "<campaign>[/<iteration>[.<take>] | /base-<name>][/<stage>[/<shard>]]",
    });
  }
  return { ...address, campaignId: await findCampaignId(store, address.campaignId) };
}

export async function campaignIds(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of store.campaigns()) ids.push(id);
  return ids.sort();
}

/** Rows of all pieces, in order. */
export async function pieceRows<R>(store: Store, pieces: readonly PieceRef[]): Promise<R[]> {
  return (await Promise.all(pieces.map(({ rows }) => jsonLines<R>(store, rows)))).flat();
}

export const jsonLines = async <R>(store: Store, digest: Digest): Promise<R[]> =>
  rowsOfBlob<R>(await store.getRemainder(digest), digest);

async function unknownCampaign(store: Store, text: string): Promise<RatchetError> {
  if (!isCampaignId(text)) {
    return new RatchetError("address_invalid", `${JSON.stringify(text)} is no campaign id`, {
      hint: "lower-case letters, digits, dot, - and _, at most 63, the first a letter or digit",
    });
  }
  const ids = await campaignIds(store);
  const known =
    ids.length === 0
      ? "it holds no campaign"
      : `it holds ${ids.slice(0, 5).join(", ")}${ids.length > 5 ? `, and ${ids.length - 5} more` : ""}`;
  return new RatchetError("campaign_unknown", `${store.name} holds no campaign ${text}`, { hint: known });
}
