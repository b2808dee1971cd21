// Errors of a ledger that are made in more than one place.
import { RatchetError } from "../errors/index.ts";
import type { Backend } from "./types.ts";

/** The error for a campaign that was created and whose ledger is empty. */
export const ledgerGone = (
  { name }: Pick<Backend, "name">,
  campaignId: string,
  cause?: unknown,
): RatchetError =>
  new RatchetError(
    "store_unreachable",
    `${name} has no ledger of ${campaignId}: another store is in its place, or its rows are lost`,
    {
      hint: "mount the campaign's store again, or move it back; the campaign waits and resumes by itself",
      cause,
    },
  );

export const RESTORE = "restore the row's object from a backup; `ratchet verify` lists all damage";

export const missingRow = (campaignId: string, n: number, keys: string[]): RatchetError =>
  new RatchetError(
    "ledger_broken",
    `row ${n} of the ledger of ${campaignId} is gone, but ${keys.at(-1)} is there`,
    { hint: RESTORE },
  );
