// Whether a campaign file is still the campaign's, after amendments.
import { RatchetError } from "../errors/index.ts";
import { amendedSpec, isExtension, showAmended } from "../campaign/spec/amend.ts";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import { differences, showDifference } from "../campaign/spec/differences.ts";
import type { CampaignRecord, Digest, LedgerEvent, LedgerRow } from "../campaign/types.ts";
import type { Store } from "../store/types.ts";

/** Differences of two specs in an error message; `problems` holds all. */
const SHOWN_MAX = 8;

export interface ReadLedger {
  record: CampaignRecord;
  rows: readonly LedgerRow[];
}

/** The newest spec's digest if the given spec says the same, or the campaign was only extended since. */
export async function withoutDrift(
  store: Store,
  { record, rows }: ReadLedger,
  given: Digest,
): Promise<Digest> {
  const { specDigest, specs } = record;
  if (given === specDigest || specs.length === 1) return given;
  const since = amendedSince({ record, rows }, given);
  if (since) return isExtension(since.flatMap(({ changes }) => changes)) ? specDigest : given;
  const [current, asked] = await Promise.all(
    [specDigest, given].map((of) => store.getJson<CompiledSpec>(of)),
  );
  return amendedSpec(current!, asked!).differences.length === 0 ? specDigest : given;
}

export async function anotherSpec(store: Store, read: ReadLedger, given: Digest): Promise<RatchetError> {
  const { campaignId, status, specDigest } = read.record;
  const since = amendedSince(read, given);
  if (since)
    return new RatchetError(
      "campaign_differs",
      `campaign ${campaignId} (${status}) was amended since: ${since.map(showAmended).join("; then ")}`,
      { hint: `start it with the amended file, or by its id: ratchet start ${campaignId}` },
    );
  const found = differences(await store.getJson(specDigest), await store.getJson(given));
  const shown = found.slice(0, SHOWN_MAX).map(showDifference);
  if (found.length > SHOWN_MAX) shown.push(`and ${found.length - SHOWN_MAX} more`);
  return new RatchetError(
    "campaign_differs",
    `campaign ${campaignId} (${status}) has another spec: ${shown.join("; ")}`,
    {
      hint: `start it under a new id with --id; \`ratchet amend ${campaignId} <file>\` changes some settings`,
      problems: found.map((difference) => ({ path: difference.path, message: showDifference(difference) })),
    },
  );
}

/** Amendments after the ledger named the spec; undefined if it never did. */
function amendedSince(
  { record, rows }: ReadLedger,
  given: Digest,
): Extract<LedgerEvent, { type: "amended" }>[] | undefined {
  const at = record.specs.findLastIndex(({ specDigest }) => specDigest === given);
  return at < 0 ? undefined : amendments(rows).slice(at);
}

const amendments = (rows: readonly LedgerRow[]): Extract<LedgerEvent, { type: "amended" }>[] =>
  rows.flatMap(({ event }) => (event.type === "amended" ? event : []));
