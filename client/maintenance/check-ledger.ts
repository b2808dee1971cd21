// The part of `verify` that reads the ledger: its chain, and whether it still holds what somebody noted or
// signed outside the store.
import type { Digest, LedgerRow } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { compareRows } from "../head/compare.ts";
import type { Finding } from "../head/compare.ts";
import type { OpenedHead } from "../head/sign.ts";
import { readRows } from "../record/rows.ts";
import type { BlobChecker, VerifyProblem } from "./blob-checker.ts";

export interface Anchor {
  row: number;
  /** Of a signed head: the name of the key, and when it was signed. */
  by?: string;
  at?: string;
  /** What was done to the rows up to it, and to which first; absent if they are as they were. */
  finding?: Pick<Finding, "name" | "row">;
}

/** What the ledger must still hold. */
export interface KnownHead {
  head: Digest | undefined;
  opened: OpenedHead | undefined;
}

export interface CheckedLedger {
  rows: LedgerRow[];
  head?: Digest | undefined;
  anchor?: Anchor | undefined;
}

/** The store checks the chain of digests while it reads. A broken ledger has no rows. */
export async function checkLedger(
  store: Store,
  campaignId: string,
  { head, opened }: KnownHead,
  blobs: BlobChecker,
): Promise<CheckedLedger> {
  const signed = opened && (await signedHead(store, opened, blobs.problems));
  try {
    const { rows, digests } = await readRows(store, campaignId);
    const anchor =
      signed ?? (head === undefined ? undefined : notedHead(campaignId, head, digests, blobs.problems));
    return { rows, head: digests.at(-1), anchor };
  } catch (error) {
    blobs.report(error, `campaigns/${campaignId}/ledger/`);
    return { rows: [], anchor: signed };
  }
}

async function signedHead(
  store: Store,
  { checkpoint, by }: OpenedHead,
  problems: VerifyProblem[],
): Promise<Anchor> {
  const { head: what, size, at } = checkpoint;
  const finding = await compareRows(store, checkpoint);
  if (finding) {
    const { message } = finding;
    problems.push({ code: "head_missing", what, message, namedBy: `the head signed by ${by}` });
  }
  return { row: size - 1, by, at, finding: finding && { name: finding.name, row: finding.row } };
}

function notedHead(
  campaignId: string,
  head: Digest,
  digests: readonly Digest[],
  problems: VerifyProblem[],
): Anchor | undefined {
  const row = digests.indexOf(head);
  if (row >= 0) return { row };
  const message =
    `no row of the ledger of ${campaignId} has the digest ${head}: the last of its ` +
    `${digests.length} rows were removed, or a row was rewritten`;
  problems.push({ code: "head_missing", what: head, message, namedBy: "--head" });
  return undefined;
}
